"""How many examples identify the compositional structure: the probability that their patterns have full rank."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import comb

import numpy as np
from scipy.stats import binomtest

from lib.linear.datasets import MAX_FEATURES
from lib.validation import check_count

EXACT_FEATURES = 6  # the flats number 12364 for n_x = 6 and some 10^6 for n_x = 7
PRIME = 257  # larger than any minor of a ±1 matrix with 6 columns (Hadamard: at most 6³ = 216)


@dataclass(frozen=True)
class Estimate:
    """A Monte-Carlo probability with its 95 % Wilson score interval."""

    probability: float
    low: float
    high: float


def full_rank_probability(n_x: int, examples: int) -> Fraction:
    """Exact probability that `examples` of the 2**n_x patterns, drawn without replacement, have rank n_x.

    Möbius inversion over the flats F, the sets of patterns closed under linear span: the subsets of j patterns
    that span everything number Σ_F M(F) C(|F|, j).

    Raises ValueError for n_x outside 1..6 (use full_rank_estimate beyond) and for examples outside 0..2**n_x.
    Source: the systematicity chapter; Rota (1964).
    """
    _check(n_x, examples)
    if n_x > EXACT_FEATURES:
        raise ValueError(
            f"n_x = {n_x} is above {EXACT_FEATURES}, the largest with an exact result; use full_rank_estimate"
        )
    spanning = sum(mu * comb(size, examples) for size, mu in _moebius_by_size(n_x).items())
    return Fraction(spanning, comb(2**n_x, examples))


def full_rank_estimate(n_x: int, examples: int, draws: int = 10_000, seed: int = 0) -> Estimate:
    """Monte-Carlo estimate of full_rank_probability for any n_x, with a 95 % interval; deterministic per seed.

    Raises ValueError for n_x outside 1..62, examples outside 0..2**n_x and draws below 1.
    """
    _check(n_x, examples)
    check_count("draws", draws)
    rng = np.random.default_rng(seed)
    drawn = np.array([rng.choice(2**n_x, examples, replace=False, shuffle=False) for _ in range(draws)])
    patterns = np.where(drawn[..., None] & (1 << np.arange(n_x)), -1.0, 1.0)
    full = int((np.linalg.matrix_rank(patterns) == n_x).sum()) if examples >= n_x else 0
    interval = binomtest(full, draws).proportion_ci(method="wilson")
    return Estimate(full / draws, float(interval.low), float(interval.high))


def flats(n_x: int) -> list[list[int]]:
    """The flats of the ±1 vectors of length n_x, by rank 0..n_x, as bit masks.

    Bit i stands for the pair ±v of patterns number i and 2**n_x − 1 − i, which span the same line. Arithmetic
    is modulo a prime above every minor, so that ranks are those over the rationals.

    Raises ValueError for n_x outside 1..6, beyond which that prime is too small and the flats too many.
    """
    _check(n_x, 0)
    if n_x > EXACT_FEATURES:
        raise ValueError(f"n_x = {n_x} is above {EXACT_FEATURES}, the largest with an exact list of flats")
    lines = np.where(np.arange(2 ** (n_x - 1))[:, None] & (1 << np.arange(n_x)), -1, 1)
    inverse = np.array([pow(i, -1, PRIME) if i else 0 for i in range(PRIME)])
    levels = [{0: lines % PRIME}]  # mask -> what remains of each line modulo the flat's span
    for _ in range(n_x):
        above = {}
        for mask, rest in levels[-1].items():
            outside = np.flatnonzero(rest.any(axis=1))
            lead = (rest != 0).argmax(axis=1)
            direction = rest * inverse[rest[np.arange(len(rest)), lead]][:, None] % PRIME
            for group in _equal_rows(direction, outside):
                closure = mask | sum(1 << int(i) for i in group)
                if closure not in above:
                    first = group[0]
                    above[closure] = (rest - rest[:, [lead[first]]] * direction[first]) % PRIME
        levels.append(above)
    return [list(level) for level in levels]


@lru_cache
def _moebius_by_size(n_x: int) -> dict[int, int]:
    """Σ M(F) over the flats F of each size, in patterns."""
    masks = np.array([mask for level in reversed(flats(n_x)) for mask in level], dtype=np.int64)
    mu = np.zeros(len(masks), dtype=np.int64)
    mu[0] = 1  # the whole space
    for i in range(1, len(masks)):
        mu[i] = -mu[:i][masks[:i] & masks[i] == masks[i]].sum()
    sizes = 2 * np.bitwise_count(masks)
    return {int(size): int(mu[sizes == size].sum()) for size in np.unique(sizes)}


def _equal_rows(rows: np.ndarray, indices: np.ndarray) -> Iterable[list[int]]:
    groups: dict[bytes, list[int]] = {}
    for i in indices:
        groups.setdefault(rows[i].tobytes(), []).append(i)
    return groups.values()


def _check(n_x: int, examples: int) -> None:
    check_count("n_x", n_x)
    check_count("examples", examples, 0)
    if n_x > MAX_FEATURES:
        raise ValueError(f"n_x = {n_x} is above {MAX_FEATURES}; the number of patterns must fit 64 bits")
    if examples > 2**n_x:
        raise ValueError(f"examples = {examples} is outside 0..{2**n_x}, the number of patterns to draw from")
