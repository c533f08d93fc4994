"""Training on some examples: the ridge theorem of the motivation chapter by other routes, its corollaries, errors."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lib.linear.datasets import Dataset
from lib.linear.early_stopping import aligned_course, error_while_names_are_learned, gain
from lib.linear.full_rank import full_rank_probability
from lib.linear.generalisation import first_examples, limit_errors, limit_spread, train_on, training_sets
from tests.spaces import datasets

modest = settings(deadline=None, max_examples=60)


@st.composite
def tasks(draw, least_k_x=0, features=4):
    """A dataset and a training set of it that leaves at least one example out."""
    dataset = draw(datasets(largest=features, k_x=least_k_x, scales=(0.2, 2.5)))
    mask = np.array(draw(st.lists(st.booleans(), min_size=dataset.P, max_size=dataset.P)))
    assume(mask.any() and not mask.all())
    return dataset, mask


def least_norm(dataset, mask):
    """Map of least norm that fits the training examples: numpy's lstsq, which knows nothing of ridge."""
    return np.linalg.lstsq(dataset.X[:, mask].T, dataset.Y[:, mask].T, rcond=1e-10)[0].T


def ridge(dataset, mask, penalty):
    """S_y(S + penalty)⁻¹, from the patterns alone."""
    seen = dataset.compositional_inputs[:, mask]
    S = seen @ seen.T
    return S[: dataset.n_y] @ np.linalg.pinv(S + penalty * np.eye(len(S)), hermitian=True)


@modest
@given(task=tasks())
def test_identity_inputs_are_ridge_regression(task):
    dataset, mask = task
    block = least_norm(dataset, mask)[: dataset.n_y, : dataset.n_x]
    np.testing.assert_allclose(block, ridge(dataset, mask, dataset.a), atol=1e-9)


@modest
@given(task=tasks(least_k_x=1))
def test_that_comparison_sees_a_wrong_penalty(task):
    dataset, mask = task
    assume(dataset.n_y > 0)
    block = least_norm(dataset, mask)[: dataset.n_y, : dataset.n_x]
    assert np.abs(block - ridge(dataset, mask, 1.01 * dataset.a)).max() > 1e-6


def held_out(dataset, mask, W):
    """Test errors of a map, from their definition."""
    squares = (dataset.Y - W @ dataset.X)[:, ~mask] ** 2
    parts = np.split(squares, [dataset.n_y])
    return [part.sum() / len(part) if len(part) else np.nan for part in parts]


@modest
@given(task=tasks())
def test_limit_errors_are_those_of_the_least_norm_map(task):
    dataset, mask = task
    limit = limit_errors(dataset, mask)
    expected = held_out(dataset, mask, least_norm(dataset, mask))
    np.testing.assert_allclose([limit.comp, limit.noncomp], expected, atol=1e-9)


@settings(deadline=None, max_examples=6)
@given(task=tasks(least_k_x=1, features=3), seed=st.integers(0, 99))
def test_gradient_descent_ends_at_the_limit(task, seed):
    dataset, mask = task
    dataset = Dataset(dataset.n_x, dataset.n_y, dataset.k_x, dataset.k_y, max(dataset.r, 0.8))
    power = np.linalg.norm(dataset.X[:, mask], 2) * np.linalg.norm(dataset.Y[:, mask], 2)
    runs = train_on(
        dataset, mask, hidden=20, learning_rate=0.3 / power, epochs=3000, init_std=1e-4, seeds=[seed]
    )
    limit, spread = limit_errors(dataset, mask), limit_spread(dataset, mask, 1e-4)
    train_left = np.nansum([runs.train_comp[0, -1], runs.train_noncomp[0, -1]])
    assume(train_left < 1e-12)
    for name in ("comp", "noncomp"):
        end, value = getattr(runs, f"test_{name}")[0, -1], getattr(limit, name)
        assert np.isnan(value) or abs(end - value) < 6 * getattr(spread, name) + 1e-5


def test_the_published_training_set_in_fractions():
    for r, n_y in ((2.0, 2), (1.0, 2)):
        dataset = Dataset(3, n_y, 1, 1, r)
        limit, a = limit_errors(dataset, first_examples(dataset, 3)), Fraction(r**2)
        missed = a**2 * (Fraction(2, 3) * 4 / (4 + a) ** 2 + Fraction(1, 3) * 7 / (1 + a) ** 2)
        confused = a / 8 * (5 + 2 * 4 * 4 / (4 + a) ** 2 + 7 / (1 + a) ** 2)
        np.testing.assert_allclose([limit.comp, limit.noncomp], [float(missed), float(confused)], rtol=1e-12)
        if r == 2:
            assert (missed, confused) == (Fraction(54, 25), Fraction(289, 100))


@pytest.mark.parametrize("n_x", [1, 2, 3, 4])
def test_without_identity_inputs_the_error_vanishes_exactly_on_full_rank(n_x):
    dataset = Dataset(n_x, n_x, 0, 0)
    for examples in range(dataset.P):
        masks = training_sets(dataset.P, examples)
        errors = limit_errors(dataset, masks).comp
        patterns = np.where(masks[:, None], dataset.compositional_inputs, 0)
        rank = np.linalg.matrix_rank(patterns)
        np.testing.assert_allclose(errors, dataset.P * (n_x - rank) / n_x, atol=1e-9)
        assert Fraction(int((errors < 1e-9).sum()), len(masks)) == full_rank_probability(n_x, examples)


@modest
@given(task=tasks(least_k_x=1))
def test_with_identity_inputs_no_training_set_is_enough(task):
    dataset, mask = task
    assume(dataset.n_y > 0)
    dataset = Dataset(dataset.n_x, dataset.n_x, dataset.k_x, dataset.k_y, dataset.r)
    assert limit_errors(dataset, mask).comp > 0
    without = Dataset(dataset.n_x, dataset.n_x, 0, dataset.k_y, dataset.r)
    full = np.linalg.matrix_rank(dataset.compositional_inputs[:, mask]) == dataset.n_x
    assert (limit_errors(without, mask).comp < 1e-9) == full


@modest
@given(task=tasks(least_k_x=1))
def test_the_test_error_falls_all_the_way_when_every_feature_is_an_output(task):
    dataset, mask = task
    seen = dataset.compositional_inputs[:, mask]
    s, E = np.linalg.eigh(seen @ seen.T)
    unseen = dataset.compositional_inputs[:, ~mask]
    errors = []
    for part in np.linspace(0, 1, 11):  # every mode learned to this part of its end
        partial = (E * part * np.where(s > 1e-9, s / (s + dataset.a), 0)) @ E.T
        errors.append(((unseen - partial @ unseen) ** 2).sum())
    assert (np.diff(errors) <= 1e-9).all()


def test_a_reused_seed_gives_no_spread_and_different_seeds_the_foretold_one():
    dataset = Dataset(3, 2, 1, 0, 2.0)
    mask = first_examples(dataset, 3)
    options = dict(hidden=50, learning_rate=0.16 / 3, epochs=150, init_std=1e-3)
    same = train_on(dataset, mask, seeds=[7] * 5, **options).test_comp
    assert (same == same[0]).all()
    ends = train_on(dataset, mask, seeds=150, **options).test_comp[:, -1]
    spread = limit_spread(dataset, mask, 1e-3).comp
    assert abs(ends.std(ddof=1) / spread - 1) < 4 / np.sqrt(2 * 149)  # 4 standard errors
    assert abs(ends.mean() - limit_errors(dataset, mask).comp) < 4 * spread / np.sqrt(150)
    assert abs(ends.std(ddof=1) / (2 * spread) - 1) > 4 / np.sqrt(2 * 149)


def test_training_sets_are_all_and_different():
    masks = training_sets(8, 3)
    assert masks.shape == (comb(8, 3), 8)
    assert (masks.sum(axis=1) == 3).all()
    assert len(np.unique(masks, axis=0)) == len(masks)
    assert not training_sets(4, 0).any()


def test_errors_name_what_is_wrong():
    dataset = Dataset(3, 2, 1, 1, 2.0)
    options = dict(hidden=5, epochs=200, init_std=0.1, seeds=1)
    with pytest.raises(ValueError, match="diverged at epoch"):
        train_on(dataset, first_examples(dataset, 3), learning_rate=3.0, **options)
    with pytest.raises(ValueError, match=r"shape \(4,\)"):
        train_on(dataset, np.ones(4, dtype=bool), learning_rate=0.01, **options)
    with pytest.raises(ValueError, match=r"outside 1\.\.P"):
        first_examples(dataset, 9)
    with pytest.raises(ValueError, match="outside 0"):
        training_sets(8, 9)
    with pytest.raises(ValueError, match="draw some"):
        training_sets(32, 16)


@pytest.mark.parametrize(("n_y", "k_x", "k_y"), [(2, 1, 1), (2, 2, 3)])
@pytest.mark.parametrize("seen", [(0, 1, 2), (0, 3, 5, 6), (1, 2, 4, 7, 0)])
def test_learning_the_names_lowers_the_penalty_for_a_while(n_y, k_x, k_y, seen):
    """Trained networks at two small scales, extrapolated to 0, against the theorem; one unkept feature."""
    mask = np.isin(np.arange(8), seen)
    gains = []
    for r in (0.05, 0.1):
        dataset = Dataset(3, n_y, k_x, k_y, r)
        course = aligned_course(dataset, mask, 1e-6, 30)
        gains.append(gain(course, limit_errors(dataset, mask).comp))
    small = Dataset(3, n_y, k_x, k_y, 1e-3)
    courses = [error_while_names_are_learned(small, mask, part) for part in np.linspace(0, 1, 201)]
    assert courses[0] == pytest.approx(limit_errors(small, mask).comp, rel=1e-4)
    assert 2 * gains[0] - gains[1] == pytest.approx(1 - min(courses) / courses[-1], rel=0.05, abs=1e-3)


def test_the_theorem_names_what_it_does_not_cover():
    with pytest.raises(ValueError, match="n_y = 3"):
        error_while_names_are_learned(Dataset(3, 3, 1, 1), np.arange(8) < 3, 0.5)
    with pytest.raises(ValueError, match="rank 2"):
        error_while_names_are_learned(Dataset(3, 2, 1, 1), np.arange(8) < 2, 0.5)
