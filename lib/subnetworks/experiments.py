"""The subnetworks chapter's searches as named profiles, and their records.

Run it with `python -m lib.subnetworks.experiments NAME`.

A profile is a set of studies. A study trains one case with several seeds, and at some epochs of the training
measures the whole networks, and their subnetworks for both output blocks.
"""

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from lib import records
from lib.convolutional.digits import Composites
from lib.convolutional.networks import Network
from lib.convolutional.profiles import DIGITS, DIGITS_1000, ON_DIGITS, ON_DIGITS_1000, Case, both
from lib.convolutional.training import data_hash, train
from lib.records import RESULTS, ROOT
from lib.subnetworks import convolutional
from lib.subnetworks.convolutional import SUBROUTINES
from lib.subnetworks.measures import Measured, Study, measure
from lib.subnetworks.sparsification import Sparsification
from lib.validation import Seeds, check_choice, check_seeds

FIRST_SEED = 200  # the recorded seeds; μ, steps and learning rate were chosen on others


@dataclass(frozen=True)
class Profile:
    """Studies by name. Each has so many seeds on every draw, and its searches for masks take so many steps."""

    studies: dict[str, Study]
    steps: int
    seeds: int = 5
    draws: tuple = (0,)


def _widths_and_values() -> dict[str, Study]:
    """Dense networks in between, and for the gap the split ones of half as many channels a module."""
    studies = {}
    for channels, r in ((16, 10.0), (8, 10.0), (16, 1.0), (4, 10.0), (16, 3.0), (24, 10.0)):
        cases = both(replace(DIGITS_1000, r=r), replace(ON_DIGITS_1000, channels=channels))
        for name, penalties in (("dense", (1e-5, 1e-4)), ("split", ())):
            label = f"{name}, {channels} channels, r = {r:g}"
            studies[label] = Study(cases[name], (20, 40, 80, 150), penalties)
    return studies


_PATH = (1e-6, 1e-5, 1e-4, 1e-3)
_BASE = both(DIGITS, ON_DIGITS)
_TWICE = both(DIGITS_1000, ON_DIGITS_1000)
PROFILES = {
    "subnetworks-controls": Profile(
        {
            "dense": Study(
                _BASE["dense"], (80,), (1e-8, 1e-5, 1e-4, 4e-4, 1e-3), compared=True, generalised=True
            ),
            "split": Study(_BASE["split"], (80,), (1e-5, 1e-4), compared=True),
        },
        steps=620,
        seeds=2,
        draws=(0, 1, 2),
    ),
    "subnetworks-dissociation": Profile(
        {name: Study(case, (0, 150), _PATH, redrawn=3) for name, case in _TWICE.items()}
        | {"dense, shuffled": Study(_TWICE["dense"], (150,), _PATH, shuffled=True, redrawn=3)},
        steps=1240,
    ),
    "subnetworks-repeated": Profile(
        {
            f"dense, {name} twice": Study(_TWICE["dense"], (150,), (1e-5, 1e-4), (name, name))
            for name in SUBROUTINES
        },
        steps=1240,
    ),
    "subnetworks-between": Profile(_widths_and_values(), steps=620),
}


def run(
    profile: Profile,
    *,
    seeds: Seeds | None = None,
    directory: str | Path | None = None,
    checkpoints: str | Path | None = None,
    progress: bool = False,
) -> dict:
    """Train and measure every study: {study: {epoch: Measured}}.

    seeds: a number of runs or their seeds, by default the profile's number from FIRST_SEED on. directory: of the
    images, see digits.load. checkpoints: a folder to go on from; trainings and finished measurements are
    kept there, and profiles may share it.
    """
    if seeds is None:
        seeds = range(FIRST_SEED, FIRST_SEED + profile.seeds)
    seeds = check_seeds(seeds)
    with TemporaryDirectory() as temporary:
        folder = Path(checkpoints or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = {}
        for label, study in profile.studies.items():
            parts = [
                _study(profile, _on(study, draw), seeds, directory, folder, progress)
                for draw in profile.draws
            ]
            found[label] = {epoch: Measured.join([part[epoch] for part in parts]) for epoch in study.epochs}
        return found


def _on(study: Study, draw: int) -> Study:
    return replace(study, case=replace(study.case, task=replace(study.case.task, draw=draw)))


def _study(
    profile: Profile,
    study: Study,
    seeds: list[int],
    directory: str | Path | None,
    folder: Path,
    progress: bool,
) -> dict[int, Measured]:
    sets = study.case.task.composites(directory)
    found = {}
    for epoch, network in _trained(study.case, study.epochs, sets, seeds, folder, progress):

        def measured(network: Network = network) -> dict:
            whole = convolutional.shuffled(network) if study.shuffled else network
            made = measure(whole, sets, Sparsification(steps=profile.steps), study, progress)
            return replace(made, draws=np.full(whole.runs, float(study.case.task.draw))).plain()

        decisive = [asdict(study) | {"epochs": epoch}, profile.steps, seeds, data_hash(*sets)]
        found[epoch] = Measured.read(records.kept(folder, decisive, measured))
    return found


def _trained(
    case: Case,
    epochs: tuple[int, ...],
    sets: tuple[Composites, Composites],
    seeds: list[int],
    folder: Path,
    progress: bool,
) -> Iterator[tuple[int, Network]]:
    """One training, stopped at each of the epochs; a checkpoint of each stop is kept."""
    settings, before = case.settings, None
    decisive = json.dumps([asdict(case), seeds]).encode()
    name = f"{settings.architecture}-{hashlib.sha256(decisive).hexdigest()[:16]}"
    for epoch in epochs:
        if epoch == 0:
            training = sets[0]
            yield 0, Network(settings, training.images.shape[1:], training.digits, training.r, seeds)
            continue
        place = folder / f"{name}-{epoch}.pt"
        if before and not place.is_file():
            shutil.copy(before, place)
        stopped = replace(settings, epochs=epoch)
        history = train(stopped, *sets, seeds, measure=10, checkpoint=place, progress=progress)
        before = place
        assert history.network is not None
        yield epoch, history.network


def record(
    name: str,
    profile: Profile,
    found: dict,
    seeds: Seeds,
    directory: str | Path | None = None,
    commit: str | None = None,
) -> dict:
    """What is written down of a profile: every field of Measured with six digits, and where they come from."""
    entries = {}
    for label, study in profile.studies.items():
        sets = [part for d in profile.draws for part in _on(study, d).case.task.composites(directory)]
        entries[label] = {
            "task": asdict(study.case.task),
            "settings": study.case.settings.as_dict(),
            "data_sha256": data_hash(*sets),
            "shuffled": study.shuffled,
            "redrawn": study.redrawn,
            "subroutines": list(study.subroutines),
            "penalties": list(study.penalties),
            "measured": {str(epoch): measured.plain() for epoch, measured in found[label].items()},
        }
    return {
        "profile": name,
        **records.origin(f"python -m lib.subnetworks.experiments {name}", commit, "numpy", "scipy", "torch"),
        "sparsification": asdict(Sparsification(steps=profile.steps)) | {"penalty": None},
        "draws": list(profile.draws),
        "seeds": check_seeds(seeds),
        "cases": entries,
    }


def read(name: str, path: str | Path | None = None) -> tuple:
    """The record of a profile and {study: {epoch: Measured}}; FileNotFoundError where it is still to be made."""
    path = Path(path) if path else default_path(name)
    content = records.read(path, f"python -m lib.subnetworks.experiments {name}")
    return content, {
        label: {int(epoch): Measured.read(fields) for epoch, fields in entry["measured"].items()}
        for label, entry in content["cases"].items()
    }


def write(content: dict, path: str | Path | None = None) -> Path:
    """Write a record as a whole, one field of a measurement a line."""
    path = Path(path) if path else default_path(content["profile"])
    return records.write(content, path, rows=r"\[[^]{}\"]*\[[^{}\"]*]", between="")


def default_path(name: str) -> Path:
    return RESULTS / f"{name.replace('-', '_')}.json"


def main(arguments: Sequence[str] | None = None) -> int:
    description = "Measure the subnetworks of a profile, record them."
    parser = records.parser("lib.subnetworks.experiments", description, PROFILES, FIRST_SEED)
    return records.run(parser, arguments, _main)


def _main(options: argparse.Namespace) -> int:
    check_choice("profile", options.name, tuple(PROFILES))
    profile = PROFILES[options.name]
    seeds = records.seeds(options, profile.seeds)
    checkpoints = options.checkpoints or ROOT / "_build" / "checkpoints" / "subnetworks"
    commit = records.commit()
    found = run(profile, seeds=seeds, checkpoints=checkpoints, progress=not options.quiet)
    path = write(record(options.name, profile, found, seeds, commit=commit), options.out)
    for label, epochs in found.items():
        for epoch, measured in epochs.items():
            print(f"{label}, epoch {epoch}: test errors {measured.test.mean(0).round(3)}", end="")
            if measured.kept is None:
                print()
                continue
            print(
                f", Jaccard index {measured.jaccard.mean(1).round(3)}, by chance {measured.expected.mean(1).round(3)}"
            )
    print(f"written to {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
