"""The companion paper's experiments in small as named profiles.

Run it with `python -m lib.oddity.experiments NAME`.

A profile is a set of cases, each a task and a network. A case is measured with several seeds, each a job of its own:
here one after the other, in several processes, or over a cluster.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time

import numpy as np

from lib import records
from lib.oddity import tasks
from lib.oddity.measurements import TESTS, Case, Search, measure
from lib.oddity.networks import STANDARDISED, Training
from lib.records import Cluster
from lib.validation import Seeds, check_choice, check_count, check_seeds

FIRST_SEED = 400  # the recorded seeds; steps and learning rates were chosen on others
SHORT, LONG, READER = Training(steps=600), Training(steps=900), Training(steps=1000)
PATIENT = Training(steps=1500)  # M stays at the loss of equal embeddings, ln 4, for hundreds of steps


@dataclass(frozen=True)
class Profile:
    """Cases by name, and the number of runs of each, a seed a run."""

    cases: dict[str, Case]
    seeds: int = 5


HEAD = Search("head", (1e-5, 5e-5, 2e-4, 1e-3), 600)
# of the trained transformers that of the first planted one: over five their masks fall into the right half at none
READ, READ_AT = (Search("all", prices, 600) for prices in ((1e-5, 3e-5, 1e-4, 3e-4), (1e-5,)))
PROFILES = {
    "oddity-planted": Profile(
        {
            "F, head": Case("inside-contact", "F", SHORT, (HEAD,), "head"),
            "M, head": Case("inside-contact", STANDARDISED, LONG, (HEAD,), "head"),
            "transformer, split": Case("agreement", "transformer", READER, (READ,), "split"),
        }
    ),
    "oddity-inside-contact": Profile(
        {
            "F": Case("inside-contact", "F", SHORT, (HEAD,)),
            STANDARDISED: Case("inside-contact", STANDARDISED, LONG, (HEAD,)),
        }
    ),
    "oddity-all-layers": Profile({"F": Case("inside-contact", "F", SHORT, (Search("all", (1e-5,), 300),))}),
    "oddity-inside-number": Profile(
        {name: Case("inside-number", name, LONG, (HEAD,)) for name in ("M", "F")}
    ),
    "oddity-number-contact": Profile({"M": Case("number-contact", "M", LONG, (HEAD,))}),
    "oddity-agreement": Profile({"transformer": Case("agreement", "transformer", READER, (READ_AT,))}),
    "oddity-reflexive": Profile({"transformer": Case("reflexive", "transformer", READER, (READ_AT,))}),
    "oddity-trap": Profile(  # no search: most of these networks learn only one of their two rules well
        {
            "M, inside-contact": Case("inside-contact", "M", PATIENT, ()),
            "F, number-contact": Case("number-contact", "F", LONG, ()),
        }
    ),
}


def run(
    profile: Profile,
    seeds: Iterable[int],
    folder: Path,
    *,
    progress: bool = False,
    workers: int = 1,
    client: Cluster | None = None,
) -> dict:
    """Measure every case with every seed: a list of what `measure` gives, in the order of the seeds, by case.

    folder: finished measurements and trained networks are kept there, and a later run goes on from them; profiles
    may share it. workers: measurements made at the same time here. client: a dask.distributed Client, over whose
    workers the measurements are then spread, if each of them reaches the folder under the same path.
    """
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    seeds = check_seeds(seeds)
    jobs = [(case, seed, folder, progress) for seed in seeds for case in profile.cases.values()]
    done = records.spread(_measured, jobs, workers, client)
    return {name: done[place :: len(profile.cases)] for place, name in enumerate(profile.cases)}


def _measured(case: Case, seed: int, folder: Path, progress: bool) -> dict:
    """One measurement, or what an earlier run with the same stimuli has kept of it."""
    stimuli = tasks.fingerprint(case.task)

    def made() -> dict:
        base = hashlib.sha256(json.dumps([asdict(case.training), stimuli]).encode()).hexdigest()[:8]
        start = process_time()
        checkpoint = folder / f"{case.task}-{case.network}-{base}-{seed}.pt"
        found = measure(case, seed, checkpoint, progress)
        seconds = round(process_time() - start, 1)
        if progress:
            print(f"{case.task}, {case.network} {case.planted}, seed {seed}: {seconds} s", flush=True)
        return found | {"seconds": seconds}

    return records.kept(folder, [asdict(case), seed, stimuli], made)


def record(
    name: str, profile: Profile, found: dict, seeds: Seeds, commit: str | None = None, options: str = ""
) -> dict:
    """What is written down of a profile: accuracies with six digits, and where they come from."""
    cases = {
        label: {"case": asdict(case), "runs": [records.rounded(run) for run in found[label]]}
        for label, case in profile.cases.items()
    }
    command = f"python -m lib.oddity.experiments {name} {options}".rstrip()
    return {
        "profile": name,
        **records.origin(command, commit, "numpy", "torch"),
        "seeds": check_seeds(seeds),
        "tests": list(TESTS),
        "cases": cases,
    }


def read(name: str, path: str | Path | None = None) -> dict:
    """The record of a profile; FileNotFoundError, with the command, where it is still to be made."""
    path = Path(path) if path else default_path(name)
    return records.read(path, f"python -m lib.oddity.experiments {name}")


def values(content: dict, case: str, *keys: str) -> np.ndarray:
    """A field of a record, its first axis the runs, the second the prices if it has some; null becomes nan.

    keys: for instance "trained", "head", "alone", which gives (runs, prices, 2 masks, accuracies as TESTS).
    """
    found = content["cases"][case]["runs"]
    for key in keys:
        found = [run[key] for run in found]
    return np.array(found, dtype=float)


def differing(content: dict, profile: Profile) -> list[str]:
    """The cases in which a record and a profile differ, in the number of runs too, or of which one has nothing."""
    defined = {
        name: (json.loads(json.dumps(asdict(case))), profile.seeds) for name, case in profile.cases.items()
    }
    entries = {name: (entry["case"], len(entry["runs"])) for name, entry in content["cases"].items()}
    return [name for name in sorted({*defined, *entries}) if defined.get(name) != entries.get(name)]


def write(content: dict, path: str | Path | None = None) -> Path:
    """Write a record as a whole, a row of numbers a line."""
    path = Path(path) if path else default_path(content["profile"])
    return records.write(content, path, rows=r"\[[^][{}]*]", between=" ")


def default_path(name: str) -> Path:
    return records.RESULTS / f"{name.replace('-', '_')}.json"


def main(arguments: Sequence[str] | None = None) -> int:
    description = "Measure networks, subnetworks and controls of a profile, record them."
    parser = records.parser("lib.oddity.experiments", description, PROFILES, FIRST_SEED)
    parser.add_argument(
        "--workers", type=int, default=1, help="measurements made at the same time (default: 1)"
    )
    parser.add_argument("--scheduler", help="address of a Dask scheduler, to spread the measurements")
    return records.run(parser, arguments, _main)


def _main(options: argparse.Namespace) -> int:
    check_choice("profile", options.name, tuple(PROFILES))
    check_count("--workers", options.workers)
    profile = PROFILES[options.name]
    seeds = records.seeds(options, profile.seeds)
    folder = Path(options.checkpoints or records.ROOT / "_build" / "checkpoints" / "oddity")
    commit = records.commit()
    with records.client(options.scheduler) as client:
        found = run(
            profile, seeds, folder, progress=not options.quiet, workers=options.workers, client=client
        )
    given = [("runs", options.runs), ("first-seed", options.first_seed)]
    defaults = {"runs": None, "first-seed": FIRST_SEED}
    shown = " ".join(f"--{name} {value}" for name, value in given if value != defaults[name])
    path = write(record(options.name, profile, found, seeds, commit, shown), options.out)
    print(f"{options.name}: accuracies of whole networks ({', '.join(TESTS)}), mean over {len(seeds)} runs")
    for label, runs in found.items():
        for kind in ("trained", "untrained", "planted"):
            if kind in runs[0]:
                print(f"  {label}, {kind}: {np.mean([one[kind]['whole'] for one in runs], 0).round(3)}")
    print(f"written to {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
