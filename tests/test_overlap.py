"""The overlap of two masks against chance, by exact integers and by permutation; the rank correlation."""

from fractions import Fraction
from math import comb, log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lib.subnetworks.correlation import rank_correlation
from lib.subnetworks.overlap import by_size, overlap, precision_and_recall


def masks(seed, sizes=(40, 90, 12), alike=0.5):
    rng = np.random.default_rng(seed)
    first = [rng.random(size) < rng.uniform(0.2, 0.8) for size in sizes]
    second = [
        np.where(rng.random(layer.size) < alike, layer, rng.random(layer.size) < 0.4) for layer in first
    ]
    return first, second


def counted(first, second):
    """Expected Jaccard index and log10 of the p-value, from the numbers of arrangements as integers."""
    arrangements = {0: 1}
    for a, b in zip(first, second):
        size, ones, others = a.size, int(a.sum()), int(b.sum())
        more = {}
        for number in range(max(0, ones + others - size), min(ones, others) + 1):
            ways = comb(ones, number) * comb(size - ones, others - number)
            for sum_, known in arrangements.items():
                more[sum_ + number] = more.get(sum_ + number, 0) + known * ways
        arrangements = more
    total, kept = sum(arrangements.values()), sum(int(a.sum() + b.sum()) for a, b in zip(first, second))
    common = sum(int((a & b).sum()) for a, b in zip(first, second))
    expected = sum(Fraction(number, kept - number) * ways for number, ways in arrangements.items()) / total
    tail = sum(ways for number, ways in arrangements.items() if number >= common)
    return float(expected), log10(tail) - log10(total)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 0.9, 1.0]), st.booleans())
def test_expected_jaccard_and_p_are_those_of_counting(seed, alike, opposed):
    first, second = masks(seed, alike=alike)
    if opposed:
        second = [~layer for layer in second]
    found = overlap(first, second)
    expected, log10_p = counted(first, second)
    assert found.expected == pytest.approx(expected, rel=1e-9)
    assert found.log10_p == pytest.approx(log10_p, rel=1e-8, abs=1e-9)
    both, either = (
        sum(int(f(a, b).sum()) for a, b in zip(first, second)) for f in (np.logical_and, np.logical_or)
    )
    assert found.jaccard == both / either
    assert found.kept == tuple(np.concatenate(mask).mean() for mask in (first, second))
    assert found.excess == found.jaccard - found.expected


def test_permutations_give_the_same_chance():
    first, second = masks(4, alike=0.15)
    rng, draws = np.random.default_rng(0), 4000
    kept = sum(int(a.sum() + b.sum()) for a, b in zip(first, second))
    common = np.array(
        [sum((a & rng.permutation(b)).sum() for a, b in zip(first, second)) for _ in range(draws)]
    )
    found = overlap(first, second)
    jaccard = common / (kept - common)
    assert abs(found.expected - jaccard.mean()) < 4 * jaccard.std() / np.sqrt(draws)
    p = 10**found.log10_p
    assert 0.01 < p < 0.5
    assert abs((jaccard >= found.jaccard).mean() - p) < 4 * np.sqrt(p * (1 - p) / draws)
    pooled = overlap([np.concatenate(first)], [np.concatenate(second)])  # another null, another chance
    assert abs(pooled.expected - jaccard.mean()) > 4 * jaccard.std() / np.sqrt(draws)


def test_one_layer_is_scipy_s_hypergeometric_distribution_far_into_its_tail():
    rng = np.random.default_rng(1)
    first = rng.random(20_000) < 0.45
    second = np.where(rng.random(first.size) < 0.7, first, rng.random(first.size) < 0.4)
    found = overlap([first], [second])
    common = int((first & second).sum())
    tail = stats.hypergeom.logsf(common - 1, first.size, int(first.sum()), int(second.sum()))
    assert found.log10_p == pytest.approx(tail / np.log(10), rel=1e-9)
    assert found.log10_p < -1000
    fewer = second.copy()
    fewer[np.flatnonzero(first & second)[:40]] = False  # a change of a percent is seen
    assert overlap([first], [fewer]).log10_p > found.log10_p + 10


def test_independent_masks_have_p_values_spread_evenly():
    values = [10 ** overlap(*masks(seed, sizes=(300, 500), alike=0.0)).log10_p for seed in range(150)]
    assert stats.kstest(values, "uniform").pvalue > 1e-3
    values = [10 ** overlap(*masks(seed, sizes=(300, 500), alike=0.1)).log10_p for seed in range(150)]
    assert stats.kstest(values, "uniform").pvalue < 1e-3


def test_a_shared_preference_for_large_weights_is_no_overlap_beyond_chance_given_the_size():
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(size) for size in (3000, 5000)]
    first, second = (
        [rng.random(layer.size) < stats.norm.cdf(2 * np.abs(layer) - 2) for layer in weights]
        for _ in range(2)
    )
    assert overlap(first, second).log10_p < -50
    strata = [by_size(mask, weights, 20) for mask in (first, second)]
    assert overlap(*strata).log10_p > -3
    assert overlap(*strata).jaccard == overlap(first, second).jaccard
    again = [rng.random(layer.size) < 0.5 for layer in first]
    alike = [by_size([a | b for a, b in zip(mask, again)], weights, 20) for mask in (first, second)]
    assert overlap(*alike).log10_p < -50


def test_strata_are_of_equal_size_and_ordered_by_it():
    weights = [np.array([[-5.0, 1.0], [0.5, -2.0], [3.0, 4.0]])]
    parts = by_size([np.array([[1, 0], [0, 0], [0, 1]], dtype=bool)], weights, 3)
    assert [part.tolist() for part in parts] == [[False, False], [False, False], [True, True]]
    assert len(by_size([np.ones(2, dtype=bool)], [np.ones(2)], 5)) == 2
    small = [
        by_size([np.array(mask)], [np.arange(3.0)], 5) for mask in ([True, False, True], [True, True, False])
    ]
    assert overlap(*small).expected == overlap(*small).jaccard == 1 / 3  # nothing is left to chance


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([[0, 0], [0]], [[1, 0], [1]], "the first mask keeps 0 of 3 weights"),
        ([[1, 0], [1]], [[1, 1], [1]], "the second mask keeps 3 of 3 weights; .* choose another penalty"),
        ([[1, 0], [1]], [[1, 0]], "differ in their number of layers or weights"),
        ([[1, 0], [1]], [[1, 0], [1, 1]], "differ in their number of layers or weights"),
    ],
)
def test_refusals(first, second, message):
    with pytest.raises(ValueError, match=message):
        overlap(first, second)


def test_rank_correlation_is_scipy_s_and_its_interval_covers_the_truth():
    rng = np.random.default_rng(0)
    x = rng.random((6, 4, 1)) + 0.2 * rng.standard_normal((6, 4, 5))
    y = -x + 0.3 * rng.standard_normal(x.shape)
    found = rank_correlation(x, y)
    reference = stats.spearmanr(x.mean(-1).ravel(), y.mean(-1).ravel()).statistic
    assert found.value == pytest.approx(reference, abs=1e-12)
    assert -1 <= found.low < found.value < found.high < 0
    unrelated = rank_correlation(x, rng.standard_normal(x.shape))
    assert unrelated.low < 0 < unrelated.high
    assert rank_correlation(x, y) == found
    assert found.points == 24


def test_points_that_are_not_measured_are_left_out_of_the_correlation():
    rng = np.random.default_rng(1)
    x = rng.random((4, 3, 5))
    y = x + rng.random(x.shape)
    y[2, 1, 3] = np.nan
    kept = np.delete(np.arange(12), 7)
    reference = stats.spearmanr(x.mean(-1).ravel()[kept], y.mean(-1).ravel()[kept]).statistic
    found = rank_correlation(x, y)
    assert found.points == 11
    assert found.value == pytest.approx(reference, abs=1e-12)


def test_trainings_that_hang_together_widen_the_interval():
    rng = np.random.default_rng(2)
    level = rng.standard_normal((5, 1, 1))
    x, y = (level + 0.1 * rng.standard_normal((5, 20, 4)) for _ in range(2))
    y[:3] -= 1.5
    together = rank_correlation(x, y)
    alone = rank_correlation(x.reshape(100, 4), y.reshape(100, 4))
    assert together.value == pytest.approx(alone.value)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.ones((3, 2)), np.ones((2, 2)), r"shapes \(3, 2\) and \(2, 2\)"),
        (np.ones(3), np.ones(3), r"give both as \(trainings, ..., seeds\)"),
        (np.ones((2, 4)), np.ones((2, 4)), "2 points are too few"),
        (np.full((3, 2), np.nan), np.ones((3, 2)), "0 points are too few"),
    ],
)
def test_refusals_of_the_correlation(x, y, message):
    with pytest.raises(ValueError, match=message):
        rank_correlation(x, y)


def test_precision_and_recall_of_masks_counted_by_hand():
    truth = np.array([[True, True], [True, False]])
    assert precision_and_recall(np.array([[True, False], [False, True]]), truth) == (1 / 2, 1 / 3)
    precision, recall = precision_and_recall(np.zeros((2, 2), dtype=bool), truth)
    assert np.isnan(precision)
    assert recall == 0
    with pytest.raises(ValueError, match="no weight is true"):
        precision_and_recall(truth, ~truth & truth)
