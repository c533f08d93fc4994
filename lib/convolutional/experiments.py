"""The trainings of chapter 9 as named profiles, and their records. `python -m lib.convolutional.experiments NAME`

A profile is a set of cases, each a task and the settings of a network; every case is trained with the same
number of seeds. The runs of a case are independent: they are trained in groups, here or over a cluster.
"""

import json
import os
import re
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from lib import records
from lib.convolutional import digits
from lib.convolutional.networks import Settings
from lib.convolutional.training import History, data_hash, join, train
from lib.records import peak_megabytes, processor, today, versions
from lib.validation import check_count, check_seeds

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"


@dataclass(frozen=True)
class Task:
    """What is to be learned: where digits come from, and how they are composed."""

    source: str = "digits"  # a name of lib.convolutional.digits.load
    pooled: int = 1  # pixels are means over squares of this size
    brightness: float = 1.0  # factor on the pixels
    drawn: bool = True  # composites are drawn at random; else put side by side as in the paper
    training: int | None = 1000  # number of training composites; None: all there are, not if drawn
    test: int | None = 2000  # number of test composites
    digits: int = 3
    r: float = 10.0  # value of the non-compositional output of the shown number

    def __post_init__(self) -> None:
        for name in ("training", "test"):
            count = getattr(self, name)
            if count is None and self.drawn:
                raise ValueError(
                    f"{name} = None asks for all composites, but drawn at random there is no end of them; "
                    f"give {name} a number, or set drawn = False"
                )
            if count is not None:
                check_count(name, count)

    def composites(self, directory=None) -> tuple:
        """Training and test composites; directory as in lib.convolutional.digits.load, and its errors."""
        data = digits.load(self.source, directory).pooled(self.pooled, self.brightness)
        sets = (data.train_images, data.train_labels), (data.test_images, data.test_labels)
        if self.drawn:
            rng = np.random.default_rng(0)
            counts = (self.training, self.test)
            return tuple(digits.at_random(*s, n, rng, self.digits, self.r) for s, n in zip(sets, counts))
        made = [digits.side_by_side(*s, self.digits, self.r) for s in sets]
        return tuple(part.first(n or len(part)) for part, n in zip(made, (self.training, self.test)))


@dataclass(frozen=True)
class Case:
    task: Task
    settings: Settings


@dataclass(frozen=True)
class Profile:
    cases: dict  # Case by name
    seeds: int  # number of runs a case
    measure: int  # epochs from one recorded error to the next
    group: int  # runs trained in one stack

    def changed(self, **changes) -> "Profile":
        """The same with other values in the settings of every case."""
        cases = {
            name: replace(case, settings=replace(case.settings, **changes))
            for name, case in self.cases.items()
        }
        return replace(self, cases=cases)

    def posed(self, **changes) -> "Profile":
        """The same with other values in the task of every case; kernels keep their part of the image's width."""
        cases = {}
        for name, case in self.cases.items():
            task = replace(case.task, **changes)
            wider = task.digits / case.task.digits
            kernels = tuple((rows, max(1, round(columns * wider))) for rows, columns in case.settings.kernels)
            cases[name] = Case(task, replace(case.settings, kernels=kernels))
        return replace(self, cases=cases)


DIGITS = Task()
MNIST = Task(source="mnist", pooled=4, brightness=2.0, drawn=False, training=2000)
PAPER = Task(source="mnist", drawn=False, training=None, test=None)
_START = {"init_std": 0.05, "readout_std": 0.01}
ON_DIGITS = Settings(channels=16, kernels=((3, 9), (3, 7), (2, 4)), learning_rate=1e-2, epochs=150, **_START)
ON_MNIST = Settings(channels=16, kernels=((3, 7), (2, 5), (2, 4)), learning_rate=2e-2, epochs=60, **_START)


def both(task: Task, dense: Settings, suffix: str = "") -> dict:
    """The dense network and the split one of half as many channels a module, as in the paper."""
    split = replace(dense, architecture="split", channels=dense.channels // 2)
    return {f"dense{suffix}": Case(task, dense), f"split{suffix}": Case(task, split)}


def _by_r():
    settings = replace(ON_DIGITS, learning_rate=2e-2, epochs=80)
    parts = [both(replace(DIGITS, r=r), settings, f", r = {r:g}") for r in (1.0, 3.0, 10.0)]
    # as many channels for the digits as the dense network has; r does not reach that module
    parts.append(
        {"split of 16 + 16, r = 1": Case(replace(DIGITS, r=1.0), replace(settings, architecture="split"))}
    )
    return {name: case for part in parts for name, case in part.items()}


def _by_triples():
    """Equally many steps, whatever the number of triples."""
    sizes = {1000: 120, 2000: 60, 5000: 24}
    parts = [
        both(replace(MNIST, training=n), replace(ON_MNIST, epochs=epochs), f", {n} triples")
        for n, epochs in sizes.items()
    ]
    return {name: case for part in parts for name, case in part.items()}


def _by_capacity():
    """Each architecture with the channels of its own and with those that give it the other's parameters."""
    return {
        f"{architecture}, {channels} channels": Case(
            DIGITS, replace(ON_DIGITS, architecture=architecture, channels=channels)
        )
        for architecture in ("dense", "split")
        for channels in (8, 16)
    }


RATES = {  # of which a seed of its own chooses one for each; continued by a factor of 2 where the best was the last
    ("sgd", "dense"): (5e-3, 1e-2, 2e-2),
    ("sgd", "split"): (1e-2, 2e-2, 4e-2, 8e-2, 1.6e-1),
    ("adam", "dense"): (2.5e-4, 5e-4, 1e-3, 2e-3),
    ("adam", "split"): (5e-4, 1e-3, 2e-3, 4e-3),
}


def _by_rate():
    cases = {}
    for (optimiser, architecture), rates in RATES.items():
        for rate in rates:
            settings = replace(ON_DIGITS, optimiser=optimiser, learning_rate=rate, epochs=40)
            cases[f"{architecture}, {optimiser} {rate:g}"] = both(DIGITS, settings)[architecture]
    return cases


def _by_optimiser():
    """Each network at the learning rate that the profile optimiser-rates chose by its training error."""
    best = {("sgd", "dense"): 1e-2, ("sgd", "split"): 8e-2, ("adam", "dense"): 5e-4, ("adam", "split"): 2e-3}
    cases = {}
    for (optimiser, architecture), rate in best.items():
        settings = replace(ON_DIGITS, optimiser=optimiser, learning_rate=rate, epochs=40)
        cases[f"{architecture}, {optimiser}"] = both(DIGITS, settings)[architecture]
    return cases


PROFILES = {
    "ci": Profile(both(DIGITS, ON_DIGITS), seeds=2, measure=15, group=2),
    "mnist-small": Profile(both(MNIST, ON_MNIST), seeds=5, measure=2, group=5),
    "fashion-small": Profile(
        both(replace(MNIST, source="fashion-mnist"), ON_MNIST), seeds=5, measure=2, group=5
    ),
    "paper": Profile(both(PAPER, Settings()), seeds=10, measure=1, group=10),
    "paper-start": Profile(both(PAPER, Settings(epochs=3)), seeds=2, measure=1, group=2),
    "r": Profile(_by_r(), seeds=5, measure=4, group=5),
    "length": Profile(both(DIGITS, replace(ON_DIGITS, epochs=400)), seeds=5, measure=10, group=5),
    "triples": Profile(_by_triples(), seeds=5, measure=4, group=5),
    "optimisers": Profile(_by_optimiser(), seeds=5, measure=4, group=5),
    "optimiser-rates": Profile(_by_rate(), seeds=1, measure=40, group=1),
    "capacity": Profile(_by_capacity(), seeds=5, measure=10, group=5),
}


def get(name: str) -> Profile:
    if name not in PROFILES:
        raise ValueError(f"profile = {name!r} is unknown; choose one of {', '.join(PROFILES)}")
    return PROFILES[name]


def run(
    profile: Profile,
    *,
    seeds=None,
    directory=None,
    checkpoints=None,
    progress: bool = False,
    device=None,
    workers: int = 1,
    client=None,
) -> dict:
    """Train every case; a History (without its network) by the name of the case.

    seeds: as in networks.Network, the profile's number by default. directory: of the images, see digits.load.
    checkpoints: a folder for one checkpoint a group of runs. workers: groups trained at the same time here, which
    on a CPU needs as many processors times torch's threads. client: a dask.distributed Client, over whose
    workers the groups are then spread; each reads images and checkpoints under the same paths as here, and a
    group whose worker dies is trained again by another, from its checkpoint if there is one.
    """
    seeds = check_seeds(profile.seeds if seeds is None else seeds)
    groups = [seeds[start : start + profile.group] for start in range(0, len(seeds), profile.group)]
    places = [(name, group) for name in profile.cases for group in groups]
    tasks = []
    for name, group in places:
        file = f"{re.sub('[^a-z0-9]+', '-', name)}-{'-'.join(map(str, group))}.pt"
        checkpoint = checkpoints and str(Path(checkpoints).resolve() / file)
        tasks.append((profile.cases[name], profile.measure, group, directory, checkpoint, progress, device))
    if client is None:
        with _pool(min(workers, len(tasks))) as pool:
            done = list(pool.map(_train, *zip(*tasks, strict=True)))
    else:
        futures = [client.submit(_train, *task, pure=False) for task in tasks]
        done = client.gather(futures)
    return {
        name: join(history for (case, _), history in zip(places, done) if case == name)
        for name in profile.cases
    }


def run_side_by_side(profile: Profile, seeds=None) -> dict:
    """As run, with a group of runs on every processor, for which torch has one thread, or all on a GPU in turn."""
    available = getattr(os, "sched_getaffinity", None)
    processors = len(available(0)) if available else os.cpu_count() or 1
    workers = 1 if torch.cuda.is_available() else processors
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return run(profile, seeds=seeds, workers=workers)
    finally:
        torch.set_num_threads(threads)


def _pool(workers):
    """Processes, since threads would wait for each other between the many short operations of a step."""
    if workers == 1:
        return ThreadPoolExecutor(1)
    return ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=torch.set_num_threads,
        initargs=(torch.get_num_threads(),),
    )


def _train(case, measure, seeds, directory, checkpoint, progress, device):
    """One group of runs of one case: the unit of work."""
    sets = case.task.composites(directory)
    options = {"measure": measure, "checkpoint": checkpoint, "progress": progress, "device": device}
    return replace(train(case.settings, *sets, seeds, **options), network=None)


def record(
    name: str, profile: Profile, histories: dict, directory=None, commit: str | None = None, options: str = ""
) -> dict:
    """What is written down of a profile: curves with six digits, and where they come from.

    commit: that of the code the runs were started with, by default the present one. options: those of the
    command that change the numbers.
    """
    entries = {}
    for label, case in profile.cases.items():
        history, (training, test) = histories[label], case.task.composites(directory)
        image = training.images.shape[1:]
        entries[label] = {
            "task": asdict(case.task),
            "settings": case.settings.as_dict(),
            "data_sha256": data_hash(training, test),
            "training_composites": len(training),
            "test_composites": len(test),
            "parameters": case.settings.parameters(image, case.task.digits),
            "seconds": round(history.seconds, 1),
            "seeds": history.seeds,
            "epochs": history.epochs.tolist(),
            "train": _curves(history.train),
            "test": _curves(history.test),
        }
    return {
        "profile": name,
        "command": f"python -m lib.convolutional.experiments {name} {options}".rstrip(),
        "date": today(),
        "commit": commit or records.commit(),
        "device": _device(),
        "threads": torch.get_num_threads(),
        "peak_megabytes": peak_megabytes(),
        "peak_megabytes_on_gpu": torch.cuda.max_memory_allocated() / 2**20
        if torch.cuda.is_available()
        else None,
        "runs_in_a_stack": profile.group,
        "versions": versions("numpy", "torch"),
        "cases": entries,
    }


def read(name: str, path=None) -> tuple:
    """The record of a profile and its histories by case; FileNotFoundError where it is still to be made."""
    path = Path(path) if path else default_path(name)
    content = records.read(path, f"python -m lib.convolutional.experiments {name}")
    histories = {
        label: History(
            entry["seeds"],
            np.array(entry["epochs"]),
            *(
                np.stack([entry[part][kind] for kind in ("compositional", "noncompositional")], axis=-1)
                for part in ("train", "test")
            ),
            entry["seconds"],
        )
        for label, entry in content["cases"].items()
    }
    return content, histories


def recorded(names) -> tuple:
    """Those of the profiles that have a record, as read gives them by name, and a list of the others."""
    found, missing = {}, []
    for name in names:
        try:
            found[name] = read(name)
        except FileNotFoundError:
            missing.append(name)
    return found, missing


def differing(content: dict, profile: Profile) -> list:
    """The cases of which a record and a profile differ in task or settings, or of which one has nothing."""
    parts = ("task", "settings")
    defined = {
        name: {"task": asdict(case.task), "settings": case.settings.as_dict()}
        for name, case in profile.cases.items()
    }
    defined = json.loads(json.dumps(defined))  # tuples as the lists of a record
    entries = {name: {part: entry[part] for part in parts} for name, entry in content["cases"].items()}
    return [name for name in sorted({*defined, *entries}) if defined.get(name) != entries.get(name)]


def write(content: dict, path=None) -> Path:
    """Write a record as a whole, one run's curve a line."""
    path = Path(path) if path else default_path(content["profile"])
    return records.write(content, path, rows=r"\[[^][{}]*]", between=" ")


def default_path(name: str) -> Path:
    return RESULTS / f"cmnist_{name.replace('-', '_')}.json"


def _curves(errors):
    rounded = [[[float(f"{e:.6g}") for e in run] for run in errors[..., kind]] for kind in (0, 1)]
    return {"compositional": rounded[0], "noncompositional": rounded[1]}


def _device():
    return torch.cuda.get_device_name() if torch.cuda.is_available() else processor()


def main(arguments=None) -> int:
    parser = records.parser(
        "lib.convolutional.experiments", "Train a profile, record it.", PROFILES, first_seed=0
    )
    parser.add_argument(
        "--data", help="directory of the IDX files (default: BOOK_DATA, the cache, a download)"
    )
    parser.add_argument("--epochs", type=int, help="stop earlier or later than the profile says")
    parser.add_argument("--group", type=int, help="runs trained in one stack (default: the profile's)")
    parser.add_argument("--workers", type=int, default=1, help="groups trained at the same time (default: 1)")
    parser.add_argument("--commit", help="commit of this code, where git cannot tell")
    parser.add_argument("--device", help="cpu or cuda (default: cuda if there is one)")
    parser.add_argument(
        "--scheduler", help="address of a Dask scheduler, to spread the groups over its workers"
    )
    return records.run(parser, arguments, _main)


def _deciding(options) -> str:
    """The options of the command that change the numbers."""
    names = ("runs", "first_seed", "epochs")
    given = {name: getattr(options, name) for name in names if getattr(options, name)}
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in given.items())


def _main(options):
    profile = get(options.name)
    if options.workers < 1:
        raise ValueError(f"--workers {options.workers} must be at least 1")
    if options.group is not None:
        if options.group < 1:
            raise ValueError(f"--group {options.group} must be at least 1")
        profile = replace(profile, group=options.group)
    if options.epochs is not None:
        profile = profile.changed(epochs=options.epochs)
    seeds = records.seeds(options, profile)
    checkpoints = Path(options.checkpoints or ROOT / "_build" / "checkpoints" / options.name)
    directory = options.data and str(Path(options.data).resolve())
    commit = options.commit or records.commit()
    with records.client(options.scheduler) as client:
        histories = run(
            profile,
            seeds=seeds,
            directory=directory,
            checkpoints=checkpoints,
            progress=not options.quiet and client is None,
            device=options.device,
            workers=options.workers,
            client=client,
        )
    path = write(record(options.name, profile, histories, directory, commit, _deciding(options)), options.out)
    print(f"{options.name}: normalised errors after the last epoch, mean ± std over {len(seeds)} runs")
    for label, history in histories.items():
        shown = "   ".join(
            f"{part} {e[:, -1].mean(0)[0]:.3f} ± {e[:, -1].std(0)[0]:.3f} / {e[:, -1].mean(0)[1]:.3f}"
            for part, e in (("train", history.train), ("test", history.test))
        )
        print(f"  {label:24s} {shown}   {history.seconds:.0f} s")
    if options.checkpoints is None:
        for file in checkpoints.glob("*.pt"):
            file.unlink()
    print(f"written to {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
