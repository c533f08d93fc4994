"""Arguments of trainings: checked in one place, refused in the same words."""

from collections.abc import Collection, Iterable
from numbers import Integral


def check_choice(name: str, value: object, known: Collection[str]) -> None:
    """Raise ValueError if the value is none of the known ones."""
    if value not in known:
        raise ValueError(f"{name} = {value!r} is unknown; choose one of {', '.join(known)}")


def check_count(name: str, value: object) -> None:
    """Raise ValueError if the value is not an integer from 1 on."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} = {value!r} is not an integer from 1 on")


def check_seeds(seeds: int | Iterable[int]) -> list[int]:
    """A list of seeds from a number of runs or a sequence of seeds; ValueError for anything else."""
    if isinstance(seeds, Integral):
        check_count("seeds", seeds)
        return list(range(seeds))
    seeds = list(seeds)
    if not seeds:
        raise ValueError("seeds is empty; give a number of runs, or at least one seed")
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
            raise ValueError(f"seed = {seed!r} is not an integer from 0 on")
    return [int(seed) for seed in seeds]
