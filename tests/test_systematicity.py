"""Exact full-rank probabilities against enumeration, hand counts and random draws; the mixture theorem."""

from fractions import Fraction
from itertools import combinations, pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings

from lib.linear.datasets import Dataset
from lib.linear.full_rank import flats, full_rank_estimate, full_rank_probability
from tests.spaces import datasets


def enumerated(n_x, examples):
    patterns = Dataset(n_x=n_x, n_y=1).compositional_inputs
    chosen = np.array(list(combinations(range(2**n_x), examples)))
    ranks = np.linalg.matrix_rank(patterns[:, chosen].transpose(1, 0, 2))
    return Fraction(int((ranks == n_x).sum()), len(chosen))


@pytest.mark.parametrize(
    ("n_x", "examples"),
    [(n, j) for n in (1, 2, 3) for j in range(1, 2**n + 1)] + [(4, j) for j in range(1, 10)],
)
def test_enumeration_agrees(n_x, examples):
    assert full_rank_probability(n_x, examples) == enumerated(n_x, examples)


def test_known_values():
    assert full_rank_probability(3, 3) == Fraction(32, 56)
    assert full_rank_probability(3, 4) == Fraction(64, 70)
    assert full_rank_probability(4, 4) == Fraction(928, 1820)
    assert full_rank_probability(3, 0) == 0


@pytest.mark.parametrize(("n_x", "count"), [(1, 2), (2, 4), (3, 12), (4, 58), (5, 538), (6, 12364)])
def test_number_of_flats(n_x, count):
    levels = flats(n_x)
    assert sum(map(len, levels)) == count
    assert len(levels) == n_x + 1
    assert levels[0] == [0]
    assert levels[-1] == [2 ** (2 ** (n_x - 1)) - 1]


@pytest.mark.parametrize("n_x", [5, 6])
def test_probabilities_rise_from_zero_to_certainty(n_x):
    values = [full_rank_probability(n_x, j) for j in range(n_x - 1, 2 ** (n_x - 1) + 2)]
    assert values[0] == 0
    assert values[-1] == 1
    assert all(a < b for a, b in pairwise(values))
    # one fewer example than certainty misses exactly the hyperplanes on which two features (dis)agree
    hyperplanes = Fraction(n_x * (n_x - 1), comb(2**n_x, 2 ** (n_x - 1)))
    assert values[-2] == 1 - hyperplanes


def test_the_estimate_covers_the_exact_value_and_is_reproducible():
    hits = 0
    for seed in range(40):
        estimate = full_rank_estimate(5, 6, draws=300, seed=seed)
        assert estimate.low <= estimate.probability <= estimate.high
        hits += estimate.low <= float(full_rank_probability(5, 6)) <= estimate.high
    assert hits >= 33  # of 40, at 95 %: fewer has probability below 1 in 100
    assert full_rank_estimate(8, 9, 100, 3) == full_rank_estimate(8, 9, 100, 3)
    assert full_rank_estimate(8, 9, 200, 3) != full_rank_estimate(8, 9, 200, 4)
    assert full_rank_estimate(40, 3, 10).probability == 0


@settings(deadline=None, max_examples=25)
@given(datasets(least_k=1))
def test_gradient_descent_mixes_rule_and_memory(data):
    found = (data.Y @ np.linalg.pinv(data.X))[: data.n_y]
    rule = np.eye(data.n_y, data.inputs)
    memory = np.hstack(
        [np.zeros((data.n_y, data.n_x))] + [data.compositional_outputs / (data.k_x * data.r)] * data.k_x
    )
    weight = data.P / (data.P + data.k_x * data.r**2)
    np.testing.assert_allclose(found, weight * rule + (1 - weight) * memory, atol=1e-9)
    if data.n_y:
        assert not np.allclose(found, 0.99 * weight * rule + (1 - 0.99 * weight) * memory, atol=1e-6)


@settings(deadline=None, max_examples=25)
@given(datasets(largest=4))
def test_rank_decides(data):
    rng = np.random.default_rng(data.n_x)
    seen = rng.choice(data.P, min(data.P, data.n_x + 1), replace=False)
    patterns = data.compositional_inputs[:, seen]
    found = data.compositional_outputs[:, seen] @ np.linalg.pinv(patterns)
    determined = np.allclose(found @ data.compositional_inputs, data.compositional_outputs)
    if np.linalg.matrix_rank(patterns) == data.n_x:
        assert determined
    else:
        lost = np.linalg.svd(patterns)[0][:, -1]  # a direction that no example shows
        assert np.allclose((found + lost) @ patterns, found @ patterns)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: full_rank_probability(7, 8), "n_x = 7 is above 6.*use full_rank_estimate"),
        (lambda: full_rank_probability(0, 1), "n_x = 0 is not an integer from 1 on"),
        (lambda: full_rank_probability(3.0, 1), "n_x = 3.0 is not an integer"),
        (lambda: full_rank_probability(3, 9), "examples = 9 is outside 0..8"),
        (lambda: full_rank_probability(3, -1), "examples = -1 is not an integer from 0 on"),
        (lambda: full_rank_probability(3, True), "examples = True is not an integer"),
        (lambda: full_rank_estimate(63, 70), "n_x = 63 is above 62"),
        (lambda: full_rank_estimate(3, 3, draws=0), "draws = 0 is not an integer from 1 on"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
