"""The coupling chapter: quadrant norms, the coupling and its bound, on every kind of dataset."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.linear import stability, theory, training
from lib.linear.datasets import Dataset
from lib.linear.descent import descend
from lib.linear.modules import block_norms
from lib.linear.training import ARCHITECTURES
from lib.linear.weights import aligned_weights
from tests.spaces import datasets, generators, least_squares, quadrants

some = settings(deadline=None, max_examples=60)
few = settings(deadline=None, max_examples=12)


@some
@given(datasets(), generators)
def test_quadrant_norms_are_those_of_the_blocks_of_the_map(dataset, rng):
    strengths = rng.uniform(0.1, 2, 3)
    U, V, kind = theory.singular_vectors(dataset)
    measured = quadrants(dataset, U * strengths[kind - 1] @ V.T)
    np.testing.assert_allclose(theory.quadrant_norms(dataset, strengths).stack(), measured, atol=1e-12)


@some
@given(datasets())
def test_quadrant_norms_end_at_those_of_the_least_squares_map(dataset):
    """A route that uses neither singular vectors nor modes of the library."""
    end = theory.quadrant_norms(dataset, theory.modes(dataset).asymptote)
    np.testing.assert_allclose(end.stack(), quadrants(dataset, least_squares(dataset)), atol=1e-12)
    maps = np.stack([least_squares(dataset), 2 * least_squares(dataset)])
    measured = block_norms(dataset, maps).stack()
    np.testing.assert_allclose(measured[:, 1], 2 * quadrants(dataset, maps[0]), atol=1e-12)


@pytest.mark.parametrize("quadrant", range(4))
def test_a_perturbed_norm_is_noticed(quadrant):
    """The comparison above separates a factor of 1.001 in any quadrant from the truth."""
    dataset = Dataset(4, 2, 2, 2, 0.7)
    end = theory.quadrant_norms(dataset, theory.modes(dataset).asymptote).stack()
    end[quadrant] *= 1.001
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(end, quadrants(dataset, least_squares(dataset)), atol=1e-12)


def ratio(norms):
    return norms.noncomp_to_comp / norms.comp_to_comp


def train(dataset, architecture, weights, epochs=80, fraction=0.3, hidden=16, init_std=1, seeds=1):
    rate = fraction * stability.learning_rate_bound(dataset, architecture)
    options = dict(hidden=hidden, epochs=epochs, init_std=init_std, seeds=seeds, weights=weights)
    return training.train(dataset, architecture, learning_rate=rate, **options)


@pytest.mark.parametrize("architecture", ["deep", "shallow"])
@few
@given(datasets(n_y=1), generators, st.floats(0.05, 0.9))
def test_the_coupling_holds_at_every_step_of_an_aligned_network(architecture, dataset, rng, fraction):
    weights = aligned_weights(dataset, architecture, rng.uniform(1e-6, 1e-2, 3), hidden=16)
    history = train(dataset, architecture, weights, fraction=fraction)
    np.testing.assert_allclose(ratio(history.norms), np.sqrt(dataset.a / dataset.P), rtol=1e-9)
    share = theory.compositional_share(history.norms)
    np.testing.assert_allclose(share, dataset.P / (dataset.P + dataset.a), rtol=1e-9)


@pytest.mark.parametrize("architecture", ["deep", "shallow"])
def test_a_network_off_the_alignment_breaks_the_coupling(architecture):
    """A perturbation of 1 % of one input weight shows: the test above can fail."""
    dataset = Dataset()
    first, *rest = aligned_weights(dataset, architecture, [1e-2] * 3, hidden=16)
    first[0, 0, 0] *= 1.01
    found = ratio(train(dataset, architecture, (first, *rest)).norms)
    assert np.abs(found / np.sqrt(dataset.a / dataset.P) - 1).max() > 1e-4


@few
@given(datasets(), generators)
def test_aligned_weights_have_the_strengths_asked_for_and_stay_aligned(dataset, rng):
    strengths = rng.uniform(1e-3, 0.1, 3)
    for architecture in ARCHITECTURES:
        weights = aligned_weights(dataset, architecture, strengths, hidden=16)
        history = train(dataset, architecture, weights, epochs=20)
        modes = theory.split_modes(dataset) if architecture == "split" else theory.modes(dataset)
        norms = theory.split_quadrant_norms if architecture == "split" else theory.quadrant_norms
        present = modes.multiplicity > 0
        np.testing.assert_allclose(history.strengths[0, 0, present], strengths[present], rtol=1e-9)
        measured, closed = history.norms.stack()[:, 0], norms(dataset, history.strengths[0]).stack()
        np.testing.assert_allclose(measured, closed, atol=1e-12)


def test_aligned_weights_refuse_what_they_cannot_make():
    with pytest.raises(ValueError, match=r"hidden = 3 is below 8.*modes"):
        aligned_weights(Dataset(), "deep", [1, 1, 1], hidden=3)
    for strengths in ([1, 1], [1, -1, 1], [1, np.nan, 1]):
        with pytest.raises(ValueError, match=r"3 finite numbers, none negative"):
            aligned_weights(Dataset(), "shallow", strengths, hidden=9)
    with pytest.raises(ValueError, match="'wide' is unknown"):
        aligned_weights(Dataset(), "wide", [1, 1, 1], hidden=9)


@some
@given(datasets(n_y=1, k_x=1), generators)
def test_no_map_in_the_span_of_the_examples_beats_the_bound(dataset, rng):
    bound = np.sqrt(dataset.a / dataset.P)
    C = rng.normal(size=(dataset.outputs, dataset.P))
    assert ratio(block_norms(dataset, C @ dataset.X.T)) >= bound * (1 - 1e-12)
    C[: dataset.n_y] = rng.normal(size=(dataset.n_y, dataset.n_x)) @ dataset.compositional_inputs
    equal = ratio(block_norms(dataset, C @ dataset.X.T))
    assert equal == pytest.approx(bound, rel=1e-9)


def test_a_map_outside_the_span_can_beat_the_bound():
    dataset = Dataset()
    rule = np.eye(dataset.outputs, dataset.inputs)
    assert ratio(block_norms(dataset, rule)) < 0.5 * np.sqrt(dataset.a / dataset.P)


@pytest.mark.parametrize("architecture", ["deep", "shallow"])
def test_random_weights_add_what_the_proposition_says(architecture):
    """Excess of the squared norms of the compositional rows, over two orders of the initial size."""
    dataset, seeds = Dataset(3, 2, 2, 1, 1.0), 24
    P, a, b, n_y = dataset.P, dataset.a, dataset.b, dataset.n_y
    reached = theory.modes(dataset).asymptote[0] * P / (P + b)
    q = dataset.inputs - P
    for scale in (1e-2, 1e-4):
        norms = train(
            dataset, architecture, None, epochs=300, fraction=0.5, hidden=30, init_std=scale, seeds=seeds
        ).norms
        end = norms.comp_to_comp[:, -1] ** 2 + norms.noncomp_to_comp[:, -1] ** 2
        expected = scale**2 * q * n_y * (reached if architecture == "deep" else 1)
        error = np.sqrt(2 / (q * n_y * seeds))
        assert (end - n_y * P / (P + a)).mean() / expected == pytest.approx(1, abs=4 * error)


@few
@given(datasets(n_y=1, k_y=1))
def test_class_one_alone_ends_at_the_jump(dataset):
    weights = aligned_weights(dataset, "deep", [0.01, 0, 0], hidden=16)
    norms = train(dataset, "deep", weights, epochs=400).norms
    P, a, b = dataset.P, dataset.a, dataset.b
    jump = np.sqrt(dataset.n_y * b * P) / (P + a)
    assert norms.comp_to_noncomp[0, -1] == pytest.approx(jump, abs=1e-9)
    whole = quadrants(dataset, least_squares(dataset))[2]
    assert jump == pytest.approx(whole * np.sqrt(dataset.n_y / dataset.n_x))
    if dataset.n_y < dataset.n_x:
        assert jump != pytest.approx(whole, rel=1e-3)


@few
@given(datasets(n_y=1), st.floats(1e-6, 1e-3))
def test_the_distance_to_the_rule_only_falls_to_its_bound(dataset, start):
    weights = aligned_weights(dataset, "deep", [start] * 3, hidden=16)
    rate = 0.3 * stability.learning_rate_bound(dataset, "deep")
    pair = [w[0] for w in weights]
    maps = np.array(list(descend(dataset.X, dataset.Y, pair, rate, 150)))
    rule = np.eye(dataset.outputs, dataset.inputs)[: dataset.n_y]
    distance = np.linalg.norm(maps[:, : dataset.n_y] - rule, axis=(-2, -1)) / np.sqrt(dataset.n_y)
    assert (np.diff(distance) <= 1e-9).all()
    bound = np.sqrt(dataset.a / (dataset.P + dataset.a))
    assert distance[-1] == pytest.approx(bound, abs=1e-6)
    assert distance[0] > bound + 0.01


@few
@given(datasets(), st.floats(1e-6, 1e-3))
def test_descend_agrees_with_the_structured_training(dataset, start):
    weights = aligned_weights(dataset, "deep", [start, 2 * start, 3 * start], hidden=16)
    rate = 0.3 * stability.learning_rate_bound(dataset, "deep")
    pair = [w[0] for w in weights]
    maps = np.array(list(descend(dataset.X, dataset.Y, pair, rate, 60)))
    measured = block_norms(dataset, maps).stack()
    closed = train(dataset, "deep", weights, epochs=60).norms.stack()[:, 0]
    np.testing.assert_allclose(measured, closed, atol=1e-10)


def test_a_map_of_nothing_has_no_share():
    zero = block_norms(Dataset(), np.zeros((2, 9, 27)))
    assert np.isnan(theory.compositional_share(zero)).all()


@some
@given(datasets(n_y=1, k_x=1), st.floats(0.05, 3), st.floats(0.05, 3), generators)
def test_a_rate_for_each_input_moves_the_ratio_by_the_ratio_of_the_rates(dataset, omega, gamma, rng):
    """And a covered update, a factor for each unit and example, does not get below the bound."""
    X, Y, bound = dataset.X, dataset.Y, np.sqrt(dataset.a / dataset.P)
    rates = np.where(np.arange(dataset.inputs) < dataset.n_x, omega, gamma)
    step = 1 / np.linalg.eigvalsh(X.T * rates @ X).max()
    W = covered = np.zeros((dataset.outputs, dataset.inputs))
    for _ in range(20):
        W = W + step * (Y - W @ X) @ X.T * rates
        wanted, unwanted, *_ = quadrants(dataset, W)
        assert unwanted / wanted == pytest.approx(bound * gamma / omega)
        A, B = rng.normal(size=(dataset.outputs, dataset.P)), rng.normal(size=2 * (dataset.outputs,))
        covered = covered + A @ X.T + B @ covered
        wanted, unwanted, *_ = quadrants(dataset, covered)
        assert unwanted >= bound * wanted * (1 - 1e-9)
