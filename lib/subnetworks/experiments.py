"""The subnetworks of chapter 10 as named profiles, and their records. `python -m lib.subnetworks.experiments NAME`

A profile is a set of studies. A study trains one case with several seeds, and at some epochs of the training
measures the whole networks, and their subnetworks for both output blocks.
"""

import dataclasses
import hashlib
import json
import math
import os
import shutil
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from lib import records
from lib.convolutional.experiments import DIGITS, ON_DIGITS, RESULTS, ROOT, Case, both
from lib.convolutional.networks import Network
from lib.convolutional.training import data_hash, train
from lib.records import peak_megabytes, processor, today, versions
from lib.subnetworks import convolutional
from lib.subnetworks.convolutional import SUBROUTINES, errors, find
from lib.subnetworks.overlap import by_size, overlap
from lib.subnetworks.sparsification import Sparsification
from lib.validation import check_choice, check_seeds

FIRST_SEED = 200  # the recorded seeds; λ, steps and learning rate were chosen on others


@dataclass(frozen=True)
class Study:
    case: Case
    epochs: tuple  # lengths of training after which the networks are measured; 0: untrained
    penalties: tuple = ()  # λ of the subnetworks; none: only the whole networks are measured
    subroutines: tuple = SUBROUTINES  # both, or one twice: how well a search repeats itself
    shuffled: bool = False  # permute the kernels of every layer: a control with weights of trained sizes


@dataclass(frozen=True)
class Profile:
    studies: dict  # Study by name
    steps: int  # of the search for masks
    draws: int  # of every ablation by permutation; may be 0
    seeds: int = 5  # number of runs a study
    compared: bool = False  # with random subnetworks of the same sizes


@dataclass(frozen=True)
class Measured:
    """Networks of one study at one epoch. Errors are normalised, their last axis the two blocks.

    Every field but the first two is None where no subnetworks were sought.
    """

    train: np.ndarray  # (runs, 2): of the whole networks
    test: np.ndarray
    kept: np.ndarray | None = None  # (λ, subroutines, runs): share of the convolutions' weights
    alone_train: np.ndarray | None = None  # (λ, subroutines, runs, 2): of the subnetwork
    alone_test: np.ndarray | None = None
    ablated_train: np.ndarray | None = None  # of the network without it
    ablated_test: np.ndarray | None = None
    redrawn_train: np.ndarray | None = None  # (draws, λ, ...): of the network with its weights permuted
    redrawn_test: np.ndarray | None = None
    # the same for random subnetworks of as many weights in every layer, and in every tenth of a layer by size
    random_alone_train: np.ndarray | None = None
    random_ablated_train: np.ndarray | None = None
    sized_alone_train: np.ndarray | None = None
    sized_ablated_train: np.ndarray | None = None
    jaccard: np.ndarray | None = (
        None  # (λ, runs): of the two subroutines' subnetworks; nan where one is empty or full
    )
    expected: np.ndarray | None = None  # under independence given the layers' counts
    log10_p: np.ndarray | None = None
    expected_given_size: np.ndarray | None = (
        None  # given the counts in tenths of every layer by the weights' size
    )
    log10_p_given_size: np.ndarray | None = None


def _widths_and_values():
    """Dense networks in between, and for the gap the split ones of half as many channels a module."""
    studies = {}
    for channels, r in ((16, 10.0), (8, 10.0), (16, 1.0), (4, 10.0), (16, 3.0), (24, 10.0)):
        cases = both(replace(DIGITS, r=r), replace(ON_DIGITS, channels=channels))
        for name, penalties in (("dense", (1e-5, 1e-4)), ("split", ())):
            label = f"{name}, {channels} channels, r = {r:g}"
            studies[label] = Study(cases[name], (20, 40, 80, 150), penalties)
    return studies


_PATH = (1e-6, 1e-5, 1e-4, 1e-3)
_CI = both(DIGITS, ON_DIGITS)
_SMALL = both(DIGITS, replace(ON_DIGITS, channels=8, epochs=80))
PROFILES = {
    "subnetworks-small": Profile(
        {name: Study(case, (80,), (1e-5,)) for name, case in _SMALL.items()},
        steps=620,
        draws=3,
        compared=True,
    ),
    "subnetworks-dissociation": Profile(
        {name: Study(case, (0, 150), _PATH) for name, case in _CI.items()}
        | {"dense, shuffled": Study(_CI["dense"], (150,), _PATH, shuffled=True)},
        steps=1240,
        draws=3,
    ),
    "subnetworks-repeated": Profile(
        {
            f"dense, {name} twice": Study(_CI["dense"], (150,), (1e-5, 1e-4), (name, name))
            for name in SUBROUTINES
        },
        steps=1240,
        draws=0,
    ),
    "subnetworks-between": Profile(_widths_and_values(), steps=620, draws=0),
}


def run(profile: Profile, *, seeds=None, directory=None, checkpoints=None, progress: bool = False) -> dict:
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
        return {
            label: _study(profile, study, seeds, directory, folder, progress)
            for label, study in profile.studies.items()
        }


def _study(profile, study, seeds, directory, folder, progress):
    sets = study.case.task.composites(directory)
    found = {}
    for epoch, network in _trained(study.case, study.epochs, sets, seeds, folder, progress):
        sought = asdict(study) | {"epochs": epoch}
        decisive = [sought, profile.steps, profile.draws, profile.compared, seeds, data_hash(*sets)]
        path = folder / f"measured-{hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:16]}.json"
        if not path.is_file():
            measured = _measure(network, study, profile, sets, progress)
            part = path.with_suffix(".part")
            part.write_text(json.dumps(_plain(measured)), encoding="utf-8")
            os.replace(part, path)
        found[epoch] = _measured(json.loads(path.read_text(encoding="utf-8")))
    return found


def _trained(case, epochs, sets, seeds, folder, progress):
    """One training, stopped at each of the epochs; a checkpoint of each stop is kept."""
    settings, before = case.settings, None
    name = f"{settings.architecture}-{settings.channels}-r{case.task.r:g}-{'-'.join(map(str, seeds))}"
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
        yield epoch, history.network


def _measure(network, study, profile, sets, progress) -> Measured:
    if study.shuffled:
        network = convolutional.shuffled(network)
    whole = [errors(network, part) for part in sets]
    if not study.penalties:
        return Measured(*whole)
    found = find(
        network,
        sets[0],
        Sparsification(steps=profile.steps),
        subroutines=study.subroutines,
        penalties=study.penalties,
        progress=progress,
    )
    redrawn = [found.redrawn(draw) for draw in range(profile.draws)]
    return Measured(
        *whole,
        found.kept(),
        *(found.errors(found.alone(), part) for part in sets),
        *(found.errors(found.ablated(), part) for part in sets),
        *(np.array([found.errors(one, part) for one in redrawn]) for part in sets),
        **_random(found, sets[0]) if profile.compared else {},
        **_overlaps(found),
    )


def _random(found, training):
    """Errors of random subnetworks, fields of Measured."""
    fields = {}
    for name, bins in (("random", 1), ("sized", 10)):
        other = found.unrelated(bins)
        fields[f"{name}_alone_train"] = found.errors(other.alone(), training)
        fields[f"{name}_ablated_train"] = found.errors(other.ablated(), training)
    return fields


def _overlaps(found):
    """The overlap of the two subroutines' subnetworks, fields of Measured."""
    fields = np.full((5, found.shape[0], found.shape[2]), np.nan)
    for penalty, run in np.ndindex(fields.shape[1:]):
        pair = [found.layers(penalty, subroutine, run) for subroutine in (0, 1)]
        if not all(0 < found.kept()[penalty, subroutine, run] < 1 for subroutine in (0, 1)):
            continue
        strata = [by_size(mask, found.weights(run)) for mask in pair]
        by_layer, sized = overlap(*pair), overlap(*strata)
        chance = by_layer.jaccard, by_layer.expected, by_layer.log10_p
        fields[:, penalty, run] = *chance, sized.expected, sized.log10_p
    names = ("jaccard", "expected", "log10_p", "expected_given_size", "log10_p_given_size")
    return dict(zip(names, fields))


def record(
    name: str, profile: Profile, found: dict, seeds, directory=None, commit: str | None = None
) -> dict:
    """What is written down of a profile: every field of Measured with six digits, and where they come from."""
    entries = {}
    for label, study in profile.studies.items():
        sets = study.case.task.composites(directory)
        entries[label] = {
            "task": asdict(study.case.task),
            "settings": study.case.settings.as_dict(),
            "data_sha256": data_hash(*sets),
            "shuffled": study.shuffled,
            "subroutines": list(study.subroutines),
            "penalties": list(study.penalties),
            "measured": {str(epoch): _plain(measured) for epoch, measured in found[label].items()},
        }
    return {
        "profile": name,
        "command": f"python -m lib.subnetworks.experiments {name}",
        "date": today(),
        "commit": commit or records.commit(),
        "device": processor(),
        "threads": torch.get_num_threads(),
        "peak_megabytes": peak_megabytes(),
        "versions": versions("numpy", "scipy", "torch"),
        "sparsification": asdict(Sparsification(steps=profile.steps)) | {"penalty": None},
        "draws": profile.draws,
        "seeds": check_seeds(seeds),
        "cases": entries,
    }


def read(name: str, path=None) -> tuple:
    """The record of a profile and {study: {epoch: Measured}}; FileNotFoundError where it is still to be made."""
    path = Path(path) if path else default_path(name)
    content = records.read(path, f"python -m lib.subnetworks.experiments {name}")
    return content, {
        label: {int(epoch): _measured(fields) for epoch, fields in entry["measured"].items()}
        for label, entry in content["cases"].items()
    }


def write(content: dict, path=None) -> Path:
    """Write a record as a whole, one field of a measurement a line."""
    path = Path(path) if path else default_path(content["profile"])
    return records.write(content, path, rows=r"\[[^]{}\"]*\[[^{}\"]*]", between="")


def default_path(name: str) -> Path:
    return RESULTS / f"{name.replace('-', '_')}.json"


def _plain(measured):
    """As nested lists, numbers with six digits, nan as null; fields without value are left out."""

    def leaf(value):
        if isinstance(value, list):
            return [leaf(item) for item in value]
        return None if math.isnan(value) else float(f"{value:.6g}")

    fields = {field.name: getattr(measured, field.name) for field in dataclasses.fields(measured)}
    return {name: leaf(value.tolist()) for name, value in fields.items() if value is not None}


def _measured(fields):
    return Measured(**{name: np.array(value, dtype=float) for name, value in fields.items()})


def main(arguments=None) -> int:
    description = "Measure the subnetworks of a profile, record them."
    parser = records.parser("lib.subnetworks.experiments", description, PROFILES, FIRST_SEED)
    return records.run(parser, arguments, _main)


def _main(options):
    check_choice("profile", options.name, tuple(PROFILES))
    profile = PROFILES[options.name]
    seeds = records.seeds(options, profile)
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
