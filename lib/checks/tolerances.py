"""How closely a number must agree with the one expected: every kind of tolerance, in one table."""

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Tolerance:
    """One kind of tolerance: its rule in words, when to use it, and the widths below and above.

    ``needs`` are the keys, positive numbers, that an entry of this kind has and no other.
    """

    rule: str
    use: str
    width: Callable[[float, dict], float]
    below: bool = True
    above: bool = True
    needs: tuple[str, ...] = ()

    @property
    def one_sided(self) -> bool:
        return not (self.below and self.above)

    def deviation(self, here: float, expected: float, entry: dict) -> float:
        """Distance between the two in units of the tolerance: at most 1 is a match."""
        gap = here - expected
        if gap == 0 or (gap < 0 and not self.below) or (gap > 0 and not self.above):
            return 0.0
        width = self.width(expected, entry)
        return float(abs(gap) / width) if width > 0 else math.inf


def _exact(expected: float, _: dict) -> float:
    """A relative width, so that a small number is held as closely as a large one."""
    return 1e-9 * (abs(expected) if abs(expected) > 1e-12 else 1.0)


def _solver(expected: float, entry: dict) -> float:
    """A solver bounds the error of one step; until the end it grows as the solution does."""
    return 1e5 * (entry["rtol"] * max(1.0, abs(expected)) + entry["atol"])


TOLERANCES = {
    "exact": Tolerance(
        "|here − expected| ≤ 1e-9 |expected|, or 1e-9 where |expected| is at most 1e-12",
        "two routes to the same real number in float64: a closed form, a decomposition",
        _exact,
    ),
    "count": Tolerance("equal", "whole numbers: there is no rounding to allow for", lambda *_: 0.0),
    "solver": Tolerance(
        "|here − expected| ≤ 1e5 (rtol max(1, |expected|) + atol), the entry's rtol and atol",
        "an adaptive solver against a closed form: an error of its first steps grows with a mode, "
        "1e4-fold from a start of 1e-4, and ten such steps add up",
        _solver,
        needs=("rtol", "atol"),
    ),
    "printed": Tolerance(
        "|here − expected| ≤ max(1e-8 |expected|, 1e-12)",
        "a number that published code printed with ten digits",
        lambda expected, _: max(1e-8 * abs(expected), 1e-12),
    ),
    "recorded": Tolerance(
        "|here − expected| ≤ max(1e-6 |expected|, 1e-12)",
        "a number computed from a file in results/, against its value when the record was made",
        lambda expected, _: max(1e-6 * abs(expected), 1e-12),
    ),
    "rerun": Tolerance(
        "|here − expected| ≤ max(1e-5 |expected|, 1e-12)",
        "a float64 run with the same seeds, repeated: only rounding differs between processors, by 4e-10 of "
        "such numbers at most between two kernels of OpenBLAS and of PyTorch",
        lambda expected, _: max(1e-5 * abs(expected), 1e-12),
    ),
    "recorded_asymptote": Tolerance(
        "|here − expected| ≤ 0.1 % of |expected|",
        "the end of a float32 run of published code that started from other random weights",
        lambda expected, _: 1e-3 * abs(expected),
    ),
    "rise_time": Tolerance(
        "|here − expected| ≤ 25 % of |expected|",
        "a time, in epochs, at which a mode rises in one run: it depends on the random start",
        lambda expected, _: 0.25 * abs(expected),
    ),
    "settled": Tolerance(
        "|here − expected| ≤ 1 % of |expected|",
        "a curve after its rise: what is left of the random start is its slow approach to the end",
        lambda expected, _: 0.01 * abs(expected),
    ),
    "sampled": Tolerance(
        "|here − expected| ≤ 4 standard errors (the entry's standard_error, one or one for each number)",
        "an estimate from random draws",
        lambda _, entry: 4 * entry["standard_error"],
        needs=("standard_error",),
    ),
    "asymptotic": Tolerance(
        "|here − expected| ≤ 5 % of |expected|",
        "theory that holds in a limit (steps that vanish, weights that vanish, late times) against a "
        "finite case",
        lambda expected, _: 0.05 * abs(expected),
    ),
    "at_most": Tolerance("here ≤ expected", "an upper bound", lambda *_: 0.0, below=False),
    "at_least": Tolerance("here ≥ expected", "a lower bound", lambda *_: 0.0, above=False),
}
