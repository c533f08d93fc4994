"""What is measured of trained networks and of their subnetworks, with controls."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from lib.convolutional.digits import Composites
from lib.convolutional.networks import Network
from lib.convolutional.profiles import Case
from lib.records import rounded
from lib.subnetworks.convolutional import SUBROUTINES, Subnetworks, errors, find, tuned
from lib.subnetworks.overlap import by_size, overlap
from lib.subnetworks.sparsification import Sparsification

FLAT = "train", "test", "draws"  # fields whose first axis counts the runs


@dataclass(frozen=True)
class Study:
    """A case, trained with every seed on every draw of its composites, and what is measured of it."""

    case: Case
    epochs: tuple[int, ...]  # lengths of training after which the networks are measured; 0: untrained
    penalties: tuple[float, ...] = ()  # μ of the subnetworks; none: only the whole networks are measured
    subroutines: tuple[str, ...] = SUBROUTINES  # both, or one twice: how well a search repeats itself
    shuffled: bool = False  # permute the kernels of every layer: a control with weights of trained sizes
    redrawn: int = 0  # draws of the ablation by permutation
    compared: bool = False  # with random subnetworks of the same sizes
    generalised: bool = False  # with what else may lower the error on new images


@dataclass(frozen=True)
class Measured:
    """Networks of one study at one epoch. Errors are normalised, their last axis the two blocks.

    Every field but the first two is None where it was not asked for. "alone": errors of the subnetworks; "ablated":
    of the networks without them; each of the subnetworks found, of random ones with as many weights in every layer,
    and of sized ones with as many in every tenth of a layer by size.
    """

    train: np.ndarray  # (runs, 2): of the whole networks
    test: np.ndarray
    draws: np.ndarray | None = None  # (runs,): the draw of the composites
    kept: np.ndarray | None = None  # (μ, subroutines, runs): share of the convolutions' weights
    alone_train: np.ndarray | None = None  # (μ, subroutines, runs, 2)
    alone_test: np.ndarray | None = None
    ablated_train: np.ndarray | None = None
    ablated_test: np.ndarray | None = None
    redrawn_train: np.ndarray | None = None  # (μ, subroutines, runs, 2): weights permuted, mean of draws
    redrawn_test: np.ndarray | None = None
    random_alone_train: np.ndarray | None = None
    random_alone_test: np.ndarray | None = None
    random_ablated_train: np.ndarray | None = None
    sized_alone_train: np.ndarray | None = None
    sized_alone_test: np.ndarray | None = None
    sized_ablated_train: np.ndarray | None = None
    largest_alone_test: np.ndarray | None = None  # of as many weights in every layer, the largest
    half_alone_train: np.ndarray | None = None  # found on half of the training composites, there
    half_alone_rest: np.ndarray | None = None  # on the other half
    half_alone_test: np.ndarray | None = None
    rest_train: np.ndarray | None = None  # of the whole networks, on the other half
    other_ablated_test: np.ndarray | None = None  # without the weights that only the other subnetwork keeps
    tuned_train: np.ndarray | None = None  # (subroutines, runs, 2): kernels trained on for it alone
    tuned_test: np.ndarray | None = None
    jaccard: np.ndarray | None = None  # (μ, runs): of the two subnetworks; nan where one is empty or full
    expected: np.ndarray | None = None  # under independence given the layers' counts
    log10_p: np.ndarray | None = None
    expected_given_size: np.ndarray | None = None  # given the counts in tenths of every layer by size
    log10_p_given_size: np.ndarray | None = None

    def plain(self) -> dict:
        """As nested lists, numbers with six digits, nan as null; fields without value are left out."""
        return {name: rounded(value.tolist()) for name, value in vars(self).items() if value is not None}

    @classmethod
    def read(cls, fields: dict) -> "Measured":
        arrays = {name: np.array(value, dtype=float) for name, value in fields.items()}
        for name in ("redrawn_train", "redrawn_test"):
            if name in arrays and arrays[name].ndim == 5:  # older records have every draw
                arrays[name] = arrays[name].mean(axis=0)
        return cls(**arrays)

    @classmethod
    def join(cls, parts: Iterable["Measured"]) -> "Measured":
        """Those of several groups of runs, in the order of the groups."""
        plain = [{k: v for k, v in vars(part).items() if v is not None} for part in parts]
        return cls(**{name: np.concatenate([p[name] for p in plain], axis=_axis(name)) for name in plain[0]})

    def lost(self, field: str) -> np.ndarray:
        """The rise of an error of the training composites as a share of what could be lost, (μ, subroutines, runs, 2).

        0 where the block is done as well as by the whole network, 1 where it is as if there were no outputs.
        """
        return share_lost(getattr(self, field), self.train)


def share_lost(error: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """(error − whole)/(1 − whole): the share of a block's function that is lost."""
    return (error - whole) / (1 - whole)


def _axis(name: str) -> int:
    """The place of the runs among a field's axes."""
    if name in FLAT or name == "rest_train":
        return 0
    return (
        2 if "alone" in name or "ablated" in name or name in ("kept", "redrawn_train", "redrawn_test") else 1
    )


def measure(
    network: Network,
    sets: tuple[Composites, Composites],
    sparsification: Sparsification,
    study: Study,
    progress: bool = False,
) -> Measured:
    """Measure networks on training and test composites as a study asks (see Study)."""
    training, test = sets
    whole = {"train": errors(network, training), "test": errors(network, test)}
    if not study.penalties:
        return Measured(**whole)

    def search(composites: Composites) -> Subnetworks:
        kinds, prices = study.subroutines, study.penalties
        return find(
            network, composites, sparsification, subroutines=kinds, penalties=prices, progress=progress
        )

    found = search(training)
    fields = whole | {"kept": found.kept()} | _overlaps(found)
    for name, changed in (("alone", found.alone()), ("ablated", found.ablated())):
        fields[f"{name}_train"] = found.errors(changed, training)
        fields[f"{name}_test"] = found.errors(changed, test)
    if study.redrawn:
        redrawn = [found.redrawn(draw) for draw in range(study.redrawn)]
        for name, part in (("train", training), ("test", test)):
            fields[f"redrawn_{name}"] = np.mean([found.errors(one, part) for one in redrawn], axis=0)
    if study.compared:
        fields |= _compared(found, training, test)
    if study.generalised:
        fields |= _generalised(network, found, training, test, sparsification.steps, search)
    return Measured(**fields)


def _compared(found: Subnetworks, training: Composites, test: Composites) -> dict[str, np.ndarray]:
    """Errors of random subnetworks of the same sizes."""
    fields = {}
    for name, bins in (("random", 1), ("sized", 10)):
        other = found.unrelated(bins)
        fields[f"{name}_alone_train"] = found.errors(other.alone(), training)
        fields[f"{name}_alone_test"] = found.errors(other.alone(), test)
        fields[f"{name}_ablated_train"] = found.errors(other.ablated(), training)
    return fields


def _generalised(
    network: Network,
    found: Subnetworks,
    training: Composites,
    test: Composites,
    steps: int,
    search: Callable[[Composites], Subnetworks],
) -> dict[str, np.ndarray]:
    """Why may a subnetwork do better on new images than the whole network?"""
    middle = len(training) // 2
    first, rest = training.part(0, middle), training.part(middle, len(training))
    half = search(first)
    adapted = [tuned(network, training, name, steps) for name in found.subroutines]
    return {
        "largest_alone_test": found.errors(found.largest().alone(), test),
        "half_alone_train": half.errors(half.alone(), first),
        "half_alone_rest": half.errors(half.alone(), rest),
        "half_alone_test": half.errors(half.alone(), test),
        "rest_train": errors(network, rest),
        "other_ablated_test": found.errors(found.without_the_other(), test),
        "tuned_train": np.array([errors(one, training) for one in adapted]),
        "tuned_test": np.array([errors(one, test) for one in adapted]),
    }


def _overlaps(found: Subnetworks) -> dict:
    """The overlap of the two subroutines' subnetworks."""
    names = ("jaccard", "expected", "log10_p", "expected_given_size", "log10_p_given_size")
    fields = {name: np.full((found.shape[0], found.shape[2]), np.nan) for name in names}
    kept = found.kept()
    for place in np.ndindex(found.shape[0], found.shape[2]):
        penalty, run = place
        if not ((kept[penalty, :, run] > 0) & (kept[penalty, :, run] < 1)).all():
            continue
        pair = [found.layers(penalty, subroutine, run) for subroutine in (0, 1)]
        by_layer, sized = overlap(*pair), overlap(*(by_size(mask, found.weights(run)) for mask in pair))
        values = by_layer.jaccard, by_layer.expected, by_layer.log10_p, sized.expected, sized.log10_p
        for name, value in zip(names, values, strict=True):
            fields[name][place] = value
    return fields
