"""Arguments: checked in one place, refused in the same words."""

import math
from collections.abc import Collection, Iterable
from numbers import Integral, Real

Seeds = int | Iterable[int]  # a number of runs, or the seed of each


def check_choice(name: str, value: object, known: Collection[str]) -> None:
    """Raise ValueError if the value is none of the known ones."""
    if value not in known:
        raise ValueError(f"{name} = {value!r} is unknown; choose one of {', '.join(known)}")


def check_count(name: str, value: object, least: int = 1) -> None:
    """Raise ValueError if the value is not an integer from the least on."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} = {value!r} is not an integer from {least} on")


def check_positive(name: str, value: object) -> None:
    """Raise ValueError if the value is not a number that is finite and positive."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < math.inf:
        raise ValueError(f"{name} = {value!r} is not finite and positive")


def check_seeds(seeds: Seeds) -> list[int]:
    """A list of seeds from a number of runs or a sequence of seeds; ValueError for anything else."""
    if not isinstance(seeds, Iterable):
        check_count("seeds", seeds)
        return list(range(seeds))
    found = list(seeds)
    if not found:
        raise ValueError("seeds is empty; give a number of runs, or at least one seed")
    for seed in found:
        check_count("seed", seed, 0)
    return [int(seed) for seed in found]
