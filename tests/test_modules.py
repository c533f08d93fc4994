"""The modules chapter: the split network, the end of any partition, and what a module must not see."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.linear import stability, theory
from lib.linear.datasets import Dataset
from lib.linear.descent import descend
from lib.linear.full_rank import full_rank_probability
from lib.linear.modules import block_norms, input_rows, least_squares_map, output_rows, spans_outputs
from lib.linear.training import train
from lib.linear.weights import aligned_weights
from tests.spaces import datasets, generators, least_squares, quadrants

some = settings(deadline=None, max_examples=60)
few = settings(deadline=None, max_examples=12)


@some
@given(datasets())
def test_split_modes_are_those_of_the_modules_covariances(dataset):
    modes = theory.split_modes(dataset)
    for rows, classes in ((slice(0, dataset.n_y), [0]), (slice(dataset.n_y, None), [1, 2])):
        covariance = dataset.Y[rows] @ dataset.X.T / dataset.P
        found = np.linalg.svd(covariance, compute_uv=False)
        closed = np.repeat(modes.singular_value[classes], modes.multiplicity[classes])
        np.testing.assert_allclose(found[found > 1e-9], np.sort(closed)[::-1], rtol=1e-9)
        ends = np.repeat(modes.asymptote[classes], modes.multiplicity[classes])
        found = np.linalg.svd(dataset.Y[rows] @ np.linalg.pinv(dataset.X), compute_uv=False)
        np.testing.assert_allclose(found[found > 1e-9], np.sort(ends)[::-1], rtol=1e-9)
        present = np.array(classes)[modes.multiplicity[classes] > 0]
        ratio = modes.singular_value[present] / modes.asymptote[present]
        np.testing.assert_allclose(modes.input_variance[present], ratio, rtol=1e-9)


@pytest.mark.parametrize("field", ["singular_value", "asymptote"])
def test_the_dense_modes_are_not_the_split_ones(field):
    """The comparison above separates the two architectures."""
    dataset = Dataset()
    dense, split = getattr(theory.modes(dataset), field), getattr(theory.split_modes(dataset), field)
    assert abs(dense[0] - split[0]) > 0.01
    assert theory.modes(dataset).multiplicity[1] != theory.split_modes(dataset).multiplicity[1]


@some
@given(datasets(), generators)
def test_split_norms_are_those_of_the_joint_map(dataset, rng):
    """Blocks of a map put together from the two modules' singular vectors."""
    strengths, rows = rng.uniform(0.1, 2, 3), []
    for part in theory.split_datasets(dataset):
        if part:
            U, V, kind = theory.singular_vectors(part)
            rows.append(U * strengths[kind - 1] @ V.T)
    closed = theory.split_quadrant_norms(dataset, strengths).stack()
    np.testing.assert_allclose(closed, quadrants(dataset, np.vstack(rows)), atol=1e-12)


def test_the_modules_have_the_inputs_of_the_whole_and_their_own_outputs():
    dataset = Dataset(4, 2, 3, 2, 0.5)
    compositional, identity = theory.split_datasets(dataset)
    assert compositional == Dataset(4, 2, 3, 0, 0.5)
    assert identity == Dataset(4, 0, 3, 2, 0.5)
    assert theory.split_datasets(Dataset(n_y=0))[0] is None
    assert theory.split_datasets(Dataset(k_y=0))[1] is None


@some
@given(datasets())
def test_the_split_network_ends_where_the_dense_one_does(dataset):
    split = theory.split_quadrant_norms(dataset, theory.split_modes(dataset).asymptote)
    np.testing.assert_allclose(split.stack(), quadrants(dataset, least_squares(dataset)), atol=1e-12)


@few
@given(datasets(), generators)
def test_a_trained_split_network_follows_the_closed_forms(dataset, rng):
    start = rng.uniform(1e-3, 1e-2)
    weights = aligned_weights(dataset, "split", [start] * 3, hidden=16)
    rate = 0.002 * stability.learning_rate_bound(dataset, "split")
    options = dict(hidden=16, learning_rate=rate, init_std=1, seeds=1, weights=weights)
    history = train(dataset, "split", epochs=400, **options)
    course = theory.split_trajectory(dataset, np.arange(400), start, rate)
    np.testing.assert_allclose(history.strengths[0], course, rtol=0.02)
    closed = theory.split_quadrant_norms(dataset, course).stack()
    np.testing.assert_allclose(history.norms.stack()[:, 0], closed, rtol=0.02, atol=1e-9)


def hessian_norm(dataset):
    """Largest eigenvalue of the Hessian of the loss at the aligned solution of a deep network, from its entries."""
    strengths = np.nan_to_num(theory.modes(dataset).asymptote)
    W1, W2 = (w[0] for w in aligned_weights(dataset, "deep", strengths, hidden=8))
    X, columns = dataset.X, []
    for unit in np.eye(W1.size + W2.size):
        d1, d2 = unit[: W1.size].reshape(W1.shape), unit[W1.size :].reshape(W2.shape)
        change = (d2 @ W1 + W2 @ d1) @ X @ X.T
        columns.append(np.concatenate([(W2.T @ change).ravel(), (change @ W1.T).ravel()]))
    return np.linalg.eigvals(np.array(columns)).real.max()


@few
@given(datasets(largest=2))
def test_the_split_bound_is_that_of_the_hessians_of_its_modules(dataset):
    largest = max(hessian_norm(part) for part in theory.split_datasets(dataset) if part)
    assert stability.learning_rate_bound(dataset, "split") == pytest.approx(2 / largest, rel=1e-6)


def test_the_bounds_differ_where_the_architectures_do():
    """The dense and the split bound differ, and either module may set the latter."""
    dataset = Dataset(2, 1, 1, 1, 0.5)
    deep, split = (stability.learning_rate_bound(dataset, name) for name in ("deep", "split"))
    assert split > 1.01 * deep
    loud = Dataset(2, 1, 1, 2, 2.0)
    alone = stability.learning_rate_bound(theory.split_datasets(loud)[0], "deep")
    assert stability.learning_rate_bound(loud, "split") < 0.9 * alone


@some
@given(datasets(), generators)
def test_least_squares_decouples_over_any_partition_of_the_outputs(dataset, rng):
    parts, everything = rng.integers(0, 3, dataset.outputs), np.full(dataset.inputs, True)
    joint = sum(least_squares_map(dataset, everything, parts == part) for part in range(3))
    np.testing.assert_allclose(joint, least_squares(dataset), atol=1e-12)


@pytest.mark.parametrize("dataset", [Dataset(), Dataset(2, 2, 1, 2, 1.5), Dataset(2, 1, 2, 1, 2.0)])
@pytest.mark.parametrize("hidden", [8, 1])
def test_descent_on_any_partition_ends_at_the_least_squares_map(dataset, hidden):
    """Random modules, on what the examples reach; a module narrower than its target falls short."""
    rng = np.random.default_rng(0)
    parts = rng.permuted(np.arange(dataset.outputs) % 2)
    joint = np.zeros((dataset.outputs, dataset.inputs))
    for part in range(2):
        target = dataset.Y[parts == part]
        rate = 0.3 / np.linalg.norm(target @ dataset.X.T, 2)
        W1, W2 = (
            1e-3 * rng.normal(size=shape) for shape in ((hidden, dataset.inputs), (len(target), hidden))
        )
        *_, joint[parts == part] = descend(dataset.X, target, (W1, W2), rate, 2500)
    gap = joint @ dataset.X @ np.linalg.pinv(dataset.X) - least_squares(dataset)
    assert (np.abs(gap).max() < 1e-8) == (hidden == 8)


def test_partitioning_the_inputs_does_change_the_end():
    dataset = Dataset()
    cut = least_squares_map(dataset, input_rows(dataset, 0), output_rows(dataset, 1))
    assert np.abs(cut - least_squares(dataset)).max() > 0.1


@some
@given(datasets(n_y=1), st.integers(0, 3), st.integers(0, 3))
def test_whole_copies_have_the_closed_form(dataset, copies_in, copies_out):
    copies_in, copies_out = min(copies_in, dataset.k_x), min(copies_out, dataset.k_y)
    inputs = input_rows(dataset, copies_in)
    outputs = output_rows(dataset, copies_out)
    norms = block_norms(dataset, least_squares_map(dataset, inputs, outputs))
    smaller = Dataset(dataset.n_x, dataset.n_y, copies_in, copies_out, dataset.r)
    closed = theory.quadrant_norms(smaller, theory.modes(smaller).asymptote)
    np.testing.assert_allclose(norms.stack(), closed.stack(), atol=1e-12)
    P, a, b, n_x, n_y = smaller.P, smaller.a, smaller.b, smaller.n_x, smaller.n_y
    bottom = (n_y * P + n_x * b) * (P + a) + ((P + a) ** 2 * (P - n_x) * b / a if a else 0)
    share = norms.comp_to_comp**2 / np.square(norms.stack()).sum()
    assert share == pytest.approx(n_y * P**2 / bottom)
    assert (norms.noncomp_to_comp < 1e-9) == (copies_in == 0)


@some
@given(datasets(n_y=1, k_x=1), generators, st.floats(0, 0.9))
def test_names_are_harmless_exactly_if_the_unnamed_examples_span_the_outputs(dataset, rng, density):
    named = rng.random((dataset.k_x, dataset.P)) < density
    inputs = input_rows(dataset, named)
    found = least_squares_map(dataset, inputs, output_rows(dataset, 0))
    clean = block_norms(dataset, found).noncomp_to_comp < 1e-9
    assert clean == spans_outputs(dataset, inputs)
    unnamed = dataset.compositional_inputs[:, ~named.any(axis=0)]
    projected = unnamed @ np.linalg.pinv(unnamed) if unnamed.size else np.zeros((dataset.n_x,) * 2)
    assert clean == (np.abs(projected[:, : dataset.n_y] - np.eye(dataset.n_x, dataset.n_y)).max() < 1e-9)
    if clean:
        rule = np.eye(dataset.outputs, dataset.inputs)[: dataset.n_y]
        np.testing.assert_allclose(found[: dataset.n_y], rule, atol=1e-9)


def test_the_share_of_harmless_name_sets_is_the_probability_of_full_rank():
    dataset = Dataset(3, 3, 1, 0, 1.3)
    clean = np.zeros(9, dtype=int)
    for mask in range(256):
        named = (mask >> np.arange(8) & 1).astype(bool)[None]
        clean[8 - named.sum()] += spans_outputs(dataset, input_rows(dataset, named))
    exact = [full_rank_probability(3, j) * comb(8, j) for j in range(9)]
    assert clean.tolist() == exact
    one = Dataset(3, 1, 1, 0, 1.3)  # asking for one feature only is easier
    two = np.ones((1, 8), dtype=bool)
    two[0, [0, 3]] = False
    assert spans_outputs(one, input_rows(one, two))
    assert not spans_outputs(dataset, input_rows(dataset, two))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_trained_module_forgets_its_names_if_the_others_span(seed):
    dataset = Dataset(3, 1, 1, 0, 1.0)
    rng = np.random.default_rng(seed)
    for size, clean in ((4, True), (8, False)):
        visible = input_rows(dataset, (np.arange(8) < size)[None])
        weights = 1e-4 * rng.normal(size=(12, 11)) * visible, 1e-4 * rng.normal(size=(1, 12))
        *_, last = descend(dataset.X * visible[:, None], dataset.Y, weights, 0.03, 1500)
        norms = block_norms(dataset, last)
        assert (theory.compositional_share(norms) > 0.999) == clean


def test_a_segregated_module_ends_at_the_rule():
    dataset = Dataset(4, 2, 2, 1, 0.8)
    found = least_squares_map(dataset, input_rows(dataset, 0), output_rows(dataset, 0))
    np.testing.assert_allclose(found, np.diag([1, 1] + [0] * 16)[:, :2] @ np.eye(2, 36), atol=1e-12)


def test_a_module_trained_without_its_identity_inputs_ends_at_the_rule():
    """The copies are in the dataset; a module that sees them ends elsewhere."""
    dataset = Dataset(3, 2, 3, 1, 0.8)
    rule, draw = np.eye(2, dataset.inputs), np.random.default_rng(0).normal
    for copies, clean in ((0, True), (3, False)):
        seen = input_rows(dataset, copies)
        weights = draw(0, 1e-3, (12, dataset.inputs)) * seen, draw(0, 1e-3, (2, 12))
        target = dataset.Y[:2]
        *_, found = descend(dataset.X * seen[:, None], target, weights, 0.02, 600)
        assert (np.abs(found - rule).max() < 1e-9) == clean


def test_what_no_example_reaches_shrinks_with_the_initial_weights():
    """Ten times smaller weights leave ten times less; what the examples reach does not depend on them."""
    dataset, draw = Dataset(3, 1, 2, 1, 1.0), np.random.default_rng(1).normal
    reach = dataset.X @ np.linalg.pinv(dataset.X)
    W1, W2 = draw(size=(20, dataset.inputs)), draw(size=(dataset.outputs, 20))
    rest, learned = [], []
    for scale in (1e-3, 1e-4):
        *_, found = descend(dataset.X, dataset.Y, (scale * W1, scale * W2), 0.03, 1500)
        rest.append(np.linalg.norm(found - found @ reach))
        learned.append(np.linalg.norm(found @ reach))
    assert rest[0] / rest[1] == pytest.approx(10, rel=0.05)
    assert learned[0] == pytest.approx(learned[1], rel=1e-6)


def test_rows_are_checked():
    dataset = Dataset()
    assert input_rows(dataset, 2).sum() == 3 + 16
    assert output_rows(dataset, 0).tolist() == [True] + [False] * 8
    with pytest.raises(ValueError, match="4 whole copies were asked for, but k_x = 3"):
        input_rows(dataset, 4)
    with pytest.raises(ValueError, match=r"shape \(2, 8\).*\(3, 8\)"):
        input_rows(dataset, np.ones((2, 8), dtype=bool))
    with pytest.raises(ValueError, match=r"diverged at epoch .* lower it"), np.errstate(all="ignore"):
        list(descend(dataset.X, dataset.Y, (np.ones((2, 27)), np.ones((9, 2))), 1.0, 50))
