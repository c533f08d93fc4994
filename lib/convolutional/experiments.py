"""Training and recording of the named profiles.

Run it with `python -m lib.convolutional.experiments NAME`.

The runs of a case are independent: they are trained in groups, here or over a cluster.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lib import records
from lib.convolutional.curves import differing, read, record, recorded, write
from lib.convolutional.profiles import PROFILES, Case, Profile, Task, both, get
from lib.convolutional.training import History, join, reached, train
from lib.records import Cluster
from lib.validation import Seeds, check_count, check_seeds

__all__ = ["Case", "Profile", "Task", "both", "differing", "get", "read", "recorded", "run"]


def run(
    profile: Profile,
    *,
    seeds: Seeds | None = None,
    directory: str | Path | None = None,
    checkpoints: str | Path | None = None,
    progress: bool = False,
    device: str | None = None,
    workers: int = 1,
    client: Cluster | None = None,
) -> dict[str, History]:
    """Train every case; a History (without its network) by the name of the case, all seeds of a draw together.

    seeds: as in networks.Network, the profile's number by default. directory: of the images, see digits.load.
    checkpoints: a folder for one checkpoint a group of runs. workers: groups trained at the same time here, which
    on a CPU needs as many processors times torch's threads. client: a dask.distributed Client, over whose
    workers the groups are then spread; each reads images and checkpoints under the same paths as here, and a
    group whose worker dies is trained again by another, from its checkpoint if there is one.
    """
    seeds = check_seeds(profile.seeds if seeds is None else seeds)
    parts = _parts(profile, seeds)
    names, jobs = [], []
    for name, case in profile.cases.items():
        for draw in profile.draws:
            drawn = replace(case, task=replace(case.task, draw=draw)) if len(profile.draws) > 1 else case
            for part in parts:
                checkpoint = _checkpoint(checkpoints, name, draw, part) if checkpoints else None
                names.append(name)
                jobs.append((drawn, profile.measure_of(case), part, directory, checkpoint, progress, device))
    done = list(zip(names, records.spread(_trained, jobs, workers, client), strict=True))
    return {name: join(history for owner, history in done if owner == name) for name in profile.cases}


def _trained(
    case: Case,
    measure: int,
    seeds: list[int],
    directory: str | Path | None,
    checkpoint: str | None,
    progress: bool,
    device: str | None,
) -> History:
    """The unit of work: the runs of one case on one draw that are trained in one stack."""
    training, test = case.task.composites(directory)
    history = train(
        case.settings,
        training,
        test,
        seeds,
        measure=measure,
        checkpoint=checkpoint,
        progress=progress,
        device=device,
    )
    return replace(history, network=None, draws=[case.task.draw] * len(seeds))


def _parts(profile: Profile, seeds: list[int]) -> list[list[int]]:
    return [seeds[start : start + profile.group] for start in range(0, len(seeds), profile.group)]


def so_far(profile: Profile, seeds: list[int], checkpoints: str | Path) -> Profile:
    """The profile with every case as long as its checkpoints go; ValueError where they differ, or one is missing."""
    cases = {}
    for name, case in profile.cases.items():
        files = [
            _checkpoint(checkpoints, name, draw, part)
            for draw in profile.draws
            for part in _parts(profile, seeds)
        ]
        epochs = sorted({reached(file) for file in files})
        if len(epochs) > 1:
            raise ValueError(
                f"the checkpoints of {name!r} have come to different epochs, {epochs}; record fewer runs at a time"
            )
        cases[name] = replace(case, settings=replace(case.settings, epochs=epochs[0]))
    return replace(profile, cases=cases)


def _checkpoint(folder: str | Path, name: str, draw: int, seeds: list[int]) -> str:
    words = [re.sub("[^a-z0-9]+", "-", name), *([f"draw-{draw}"] if draw else []), *map(str, seeds)]
    return str(Path(folder).resolve() / f"{'-'.join(words)}.pt")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = records.parser(
        "lib.convolutional.experiments", "Train a profile, record it.", PROFILES, first_seed=0
    )
    parser.add_argument(
        "--data", help="directory of the IDX files (default: BOOK_DATA, the cache, a download)"
    )
    parser.add_argument("--epochs", type=int, help="stop earlier or later than the profile says")
    parser.add_argument(
        "--so-far", action="store_true", help="train nothing: record what the checkpoints of a training hold"
    )
    parser.add_argument("--group", type=int, help="runs trained in one stack (default: the profile's)")
    parser.add_argument("--workers", type=int, default=1, help="groups trained at the same time (default: 1)")
    parser.add_argument("--commit", help="commit of this code, where git cannot tell")
    parser.add_argument("--device", help="cpu or cuda (default: cuda if there is one)")
    parser.add_argument(
        "--scheduler", help="address of a Dask scheduler, to spread the groups over its workers"
    )
    return records.run(parser, arguments, _main)


def _deciding(options: argparse.Namespace) -> str:
    """The options of the command that change the numbers."""
    names = ("runs", "first_seed", "epochs")
    given = {name: getattr(options, name) for name in names if getattr(options, name)}
    words = [f"--{name.replace('_', '-')} {value}" for name, value in given.items()]
    return " ".join(words + ["--so-far"] * options.so_far)


def _main(options: argparse.Namespace) -> int:
    profile = get(options.name)
    check_count("--workers", options.workers)
    if options.group is not None:
        check_count("--group", options.group)
        profile = replace(profile, group=options.group)
    if options.epochs is not None:
        profile = profile.changed(epochs=options.epochs)
    seeds = records.seeds(options, profile.seeds)
    checkpoints = Path(options.checkpoints or records.ROOT / "_build" / "checkpoints" / options.name)
    if options.so_far:
        profile = so_far(profile, seeds, checkpoints)
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
    count = len(seeds) * len(profile.draws)
    print(f"{options.name}: normalised errors after the last epoch, mean ± std over {count} runs")
    for label, history in histories.items():
        shown = "   ".join(
            f"{part} {e[:, -1].mean(0)[0]:.3f} ± {e[:, -1].std(0)[0]:.3f} / {e[:, -1].mean(0)[1]:.3f}"
            for part, e in (("train", history.train), ("test", history.test))
        )
        print(f"  {label:24s} {shown}   {history.seconds:.0f} s")
    if options.checkpoints is None and not options.so_far:
        for file in checkpoints.glob("*.pt"):
            file.unlink()
    print(f"written to {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
