"""How closely a number must agree with the one expected: every kind of tolerance, in one table."""

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Tolerance:
    """One kind of tolerance: its rule in words, when to use it, and the widths below and above."""

    rule: str
    use: str
    width: Callable[[float, float], float]
    below: bool = True
    above: bool = True

    def deviation(self, here: float, expected: float, standard_error: float) -> float:
        """Distance between the two in units of the tolerance: at most 1 is a match."""
        gap = here - expected
        if gap == 0 or (gap < 0 and not self.below) or (gap > 0 and not self.above):
            return 0.0
        width = self.width(expected, standard_error)
        return float(abs(gap) / width) if width > 0 else math.inf


TOLERANCES = {
    "exact": Tolerance(
        "|here - expected| <= 1e-9 max(1, |expected|)",
        "two routes to the same number in float64: a closed form, a decomposition",
        lambda expected, _: 1e-9 * max(1.0, abs(expected)),
    ),
    "count": Tolerance("equal", "integers and exact fractions", lambda *_: 0.0),
    "printed": Tolerance(
        "|here - expected| <= max(1e-8 |expected|, 1e-12)",
        "a number recorded with ten digits",
        lambda expected, _: max(1e-8 * abs(expected), 1e-12),
    ),
    "recorded_asymptote": Tolerance(
        "|here - expected| <= 0.1 % of |expected|",
        "the end of a recorded float32 run that started from other random weights",
        lambda expected, _: 1e-3 * abs(expected),
    ),
    "rise_time": Tolerance(
        "|here - expected| <= 25 % of |expected|",
        "when a mode rises in one run: it depends on the random start",
        lambda expected, _: 0.25 * abs(expected),
    ),
    "settled": Tolerance(
        "|here - expected| <= 1 % of |expected|",
        "a curve after its rise: what is left of the random start is its slow approach to the end",
        lambda expected, _: 0.01 * abs(expected),
    ),
    "sampled": Tolerance(
        "|here - expected| <= 4 standard errors (the entry's standard_error)",
        "an estimate from random draws",
        lambda _, standard_error: 4 * standard_error,
    ),
    "discretisation": Tolerance(
        "|here - expected| <= 5 % of |expected|",
        "theory in continuous time against gradient descent in steps",
        lambda expected, _: 0.05 * abs(expected),
    ),
    "asymptotic": Tolerance(
        "|here - expected| <= 5 % of |expected|",
        "theory in a limit (leading order, late times, vanishing weights) against a finite case",
        lambda expected, _: 0.05 * abs(expected),
    ),
    "at_most": Tolerance("here <= expected", "an upper bound", lambda *_: 0.0, below=False),
    "at_least": Tolerance("here >= expected", "a lower bound", lambda *_: 0.0, above=False),
}
