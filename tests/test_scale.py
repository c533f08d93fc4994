"""The scale chapter: the structured step, its cost, few hidden units, thresholds, held-out examples."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.linear import cost, descent, generalisation, prediction, stability, theory
from lib.linear.datasets import Dataset
from lib.linear.training import train
from lib.linear.weights import class_parts, initial_weights
from tests.spaces import class_strengths, datasets, dense_descent, quadrants

modest = settings(deadline=None, max_examples=25)


def dense_course(dataset, weights, learning_rate, epochs):
    """Loss, class sums of uᵀWv and quadrant norms of one run, from dense matrices only."""
    return np.array(
        [
            [loss, *(s.sum() for s in class_strengths(dataset, W)), *quadrants(dataset, W)]
            for W, loss in dense_descent(dataset, weights, learning_rate, epochs)
        ]
    )


def structured_course(dataset, weights, learning_rate, epochs):
    options = {"hidden": weights[0].shape[1], "learning_rate": learning_rate, "init_std": 1, "seeds": 1}
    history = train(dataset, "deep", epochs=epochs, weights=weights, **options)
    sums = np.nan_to_num(history.strengths[0]) * theory.modes(dataset).multiplicity
    return np.column_stack([history.loss[0], sums, history.norms[0].stack().T])


def random_weights(dataset, hidden, std=0.1, seed=0):
    return initial_weights(dataset, "deep", hidden=hidden, init_std=std, seeds=[seed])


@modest
@given(datasets(), st.integers(1, 6), st.integers(0, 99))
def test_the_structured_step_is_the_dense_step(dataset, hidden, seed):
    weights = random_weights(dataset, hidden, seed=seed)
    rate = stability.learning_rate_bound(dataset, "deep") / 4
    expected = dense_course(dataset, [W[0] for W in weights], rate, 12)
    found = structured_course(dataset, weights, rate, 12)
    # norms are square roots of sums of squares that may cancel down to rounding
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(found[:, :4], expected[:, :4], rtol=1e-12, atol=1e-10 * expected[0, 0])


def test_the_comparison_sees_another_learning_rate():
    dataset = Dataset(3, 1, 2, 1, 1.0)
    weights = random_weights(dataset, 5)
    rate = stability.learning_rate_bound(dataset, "deep") / 4
    expected = dense_course(dataset, [W[0] for W in weights], 1.001 * rate, 12)
    found = structured_course(dataset, weights, rate, 12)
    assert not np.allclose(found, expected, rtol=1e-9, atol=1e-7)


@modest
@given(datasets(), st.integers(1, 6))
def test_the_cost_of_a_structured_step_is_what_the_formula_counts(dataset, hidden):
    rate = stability.learning_rate_bound(dataset, "deep") / 4
    run = lambda *weights: structured_course(dataset, weights, rate, 1)  # noqa: E731
    assert cost.count(run, *random_weights(dataset, hidden)) == cost.structured_step(dataset, hidden)


@modest
@given(datasets(), st.integers(1, 6), st.booleans())
def test_the_cost_of_a_dense_step_is_what_the_formula_counts(dataset, hidden, left_to_right):
    inputs, cross = dataset.input_covariance, dataset.cross_covariance

    def step(W1, W2):
        return descent.step(cross, inputs, W1, W2, 0.1, left_to_right)

    found = cost.count(step, *(W[0] for W in random_weights(dataset, hidden)))
    assert found == cost.dense_step(dataset, hidden, left_to_right)


def test_every_product_is_counted_once():
    A, B = np.ones((2, 3, 4)), np.ones((4, 5))
    assert cost.count(lambda A: A @ B, A) == 2 * 3 * 4 * 5
    assert cost.count(lambda A: 2 * A + 1, A) == 0
    assert cost.count(lambda A: (A.mT.copy() @ A).sum(axis=0) @ B, A) == 2 * 4 * 3 * 4 + 4 * 4 * 5


@modest
@given(datasets(least_k=1), st.data())
def test_hidden_units_bound_the_loss_and_share_the_modes(dataset, data):
    hidden = data.draw(st.integers(max(1, dataset.n_y), dataset.P))
    least = dataset.b * (dataset.P - hidden) / 2
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    X, Y, P = dataset.X, dataset.Y, dataset.P

    def loss(W):
        return ((Y - W @ X) ** 2).sum() / 2

    W1 = rng.normal(size=(hidden, dataset.inputs))
    fitted = np.linalg.lstsq((W1 @ X).T, Y.T, rcond=None)[0].T  # the best W₂ for this W₁
    assert loss(fitted @ W1) >= least - 1e-9 * (1 + least)

    # A minimum: any subspace of h dimensions that holds class 1.
    U, V, kind = theory.singular_vectors(dataset)
    free = rng.normal(size=(P, hidden - dataset.n_y))
    basis, _ = np.linalg.qr(np.hstack([dataset.compositional_outputs.T, free]))
    W = Y @ basis @ basis.T @ np.linalg.pinv(X)
    assert np.linalg.matrix_rank(W, tol=1e-9 * np.linalg.norm(W)) <= hidden
    assert loss(W) == pytest.approx(least, rel=1e-9, abs=1e-9 * (Y**2).sum())
    shares = np.diag(U.T @ W @ V) / theory.modes(dataset).asymptote[kind - 1]
    assert shares.sum() == pytest.approx(hidden)
    np.testing.assert_allclose(shares[kind == 1], 1)
    # The falsification: leave out class 1, and the minimum is missed.
    if dataset.n_y > 0 and hidden < P:
        away = free - dataset.compositional_outputs.T @ (dataset.compositional_outputs @ free) / P
        spare = rng.normal(size=(P, dataset.n_y))
        spare -= dataset.compositional_outputs.T @ (dataset.compositional_outputs @ spare) / P
        basis, _ = np.linalg.qr(np.hstack([away, spare])[:, : min(hidden, P - dataset.n_y)])
        assert loss(Y @ basis @ basis.T @ np.linalg.pinv(X)) > least + P / 4


def few_units(dataset, hidden, std=1e-6):
    """Modes learned by class and epoch, simulated and predicted; long enough for class 3."""
    weights = random_weights(dataset, hidden, std)
    rate = stability.learning_rate_bound(dataset, "deep") / 2
    epochs = int(25 / (rate * dataset.P * theory.modes(dataset).singular_value[2]))
    options = {"hidden": hidden, "learning_rate": rate, "init_std": std, "seeds": 1}
    history = train(dataset, "deep", epochs=epochs, weights=weights, **options)
    predicted = prediction.predicted_strengths(dataset, "deep", weights, epochs=epochs, learning_rate=rate)
    m = theory.modes(dataset)
    return tuple(s[0] * m.multiplicity / m.asymptote for s in (history.strengths, predicted))


@pytest.mark.parametrize(
    ("dataset", "hidden", "expected"),
    [
        (Dataset(6, 2, 2, 1, 2.0), 10, (2, 4, 4)),
        (Dataset(6, 2, 2, 1, 2.0), 6, (2, 4, 0)),
        (Dataset(6, 2, 2, 1, 2.0), 4, (2, 2, 0)),
        (Dataset(7, 3, 1, 2, 3.0), 20, (3, 4, 13)),
        (Dataset(7, 0, 1, 1, 1.5), 9, (0, 7, 2)),
    ],
)
def test_gradient_descent_gives_the_hidden_units_to_the_strongest_modes(dataset, hidden, expected):
    simulated, predicted = few_units(dataset, hidden)
    np.testing.assert_allclose(np.nan_to_num(simulated[-1]), expected, atol=0.02)
    np.testing.assert_allclose(np.nan_to_num(simulated), np.nan_to_num(predicted), atol=0.02 * hidden)


def test_the_prediction_fails_if_no_hidden_direction_is_ever_taken():
    dataset, hidden = Dataset(6, 2, 2, 1, 2.0), 10
    simulated, _ = few_units(dataset, hidden)
    weights = random_weights(dataset, hidden, 1e-6)
    m, rate = theory.modes(dataset), stability.learning_rate_bound(dataset, "deep") / 2
    start = np.full((hidden, 3), np.nan)
    for c, W1v, W2u in class_parts(dataset, weights):
        sizes = np.linalg.svd((W1v + W2u)[0] / 2, compute_uv=False)[: m.multiplicity[c]]
        start[: len(sizes), c] = sizes**2
    untaken = np.nansum(prediction.deep_steps(dataset, len(simulated), start, rate), axis=1) / m.asymptote
    assert untaken[-1, 2] > simulated[-1, 2] + 4


def test_the_loss_does_not_prefer_class_2():
    dataset = Dataset(4, 1, 2, 1, 1.0)
    U, V, kind = theory.singular_vectors(dataset)
    end = {}
    for chosen in ((0, 1, 2), (0, 4, 5)):
        assert set(kind[list(chosen[1:])]) == ({2} if chosen[1] == 1 else {3})
        weights = (0.1 * V[:, chosen].T[None], 0.1 * U[:, chosen][None])
        rate = stability.learning_rate_bound(dataset, "deep") / 2
        options = {"hidden": 3, "learning_rate": rate, "epochs": 2000, "init_std": 1, "seeds": 1}
        end[chosen] = train(dataset, "deep", weights=weights, **options).loss[0, -1]
    assert list(end.values()) == pytest.approx([dataset.b * (dataset.P - 3) / 2] * 2)


@modest
@given(st.floats(1.001, 1.999))
def test_the_cubic_map(c):
    step = lambda s: (1 + c) * s - c * s**3  # noqa: E731
    high, low = (np.sqrt(1 + 3 / c) + sign * np.sqrt(1 - 1 / c) for sign in (1, -1))
    assert step(high / 2) == pytest.approx(low / 2)
    assert step(low / 2) == pytest.approx(high / 2)
    slope = np.prod([1 + c - 3 * c * (s / 2) ** 2 for s in (high, low)])
    assert slope == pytest.approx(9 - 2 * (1 + c) ** 2)
    edge = np.sqrt(1 + 2 / c)
    inside = np.linspace(-edge, edge, 2001)
    assert np.abs(step(inside)).max() <= edge * (1 + 1e-12)
    c = c + 1.001  # now beyond 2, where the same interval is no longer kept
    edge = np.sqrt(1 + 2 / c)
    assert np.abs(step(np.sqrt((1 + c) / (3 * c)))) > edge


@modest
@given(st.integers(0, 50), st.sampled_from([0.5, 1.0, 2.0, 4.0]), st.integers(1, 999))
def test_features_for_a_level(k_x, r, permille):
    a, needed = k_x * r**2, generalisation.features_for_level(k_x * r**2, permille / 1000)
    reaches = lambda n: 2**n * (1000 - permille) >= a * permille  # noqa: E731
    assert needed >= 1
    assert reaches(needed)
    assert needed == 1 or not reaches(needed - 1)
    assert generalisation.examples_for_level(a, permille / 1000) * (1000 - permille) == a * permille


@pytest.mark.parametrize(
    ("a", "level", "message"),
    [
        (3, 0, "level = 0 must lie between 0 and 1"),
        (3, 1, "level = 1"),
        (-1, 0.9, "a = -1"),
        (float("nan"), 0.9, "a = nan"),
    ],
)
def test_senseless_levels_are_refused(a, level, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        generalisation.examples_for_level(a, level)


@modest
@given(datasets(largest=5, least_k=1), st.floats(0.01, 5))
def test_the_share_of_the_compositional_inputs(dataset, strength):
    norms = theory.quadrant_norms(dataset, [strength, 0.3, 0.2])
    if dataset.n_y > 0:
        squares = norms.comp_to_comp**2, norms.noncomp_to_comp**2
        assert squares[0] / sum(squares) == pytest.approx(dataset.P / (dataset.P + dataset.a))
    ends = theory.quadrant_norms(dataset, theory.modes(dataset).asymptote)
    exact = dataset.n_x * dataset.b * dataset.P / (dataset.P + dataset.a) ** 2
    assert ends.comp_to_noncomp**2 == pytest.approx(exact)


@modest
@given(datasets(), st.data())
def test_held_out_error(dataset, data):
    m = data.draw(st.integers(1, dataset.P - 1))
    order = np.random.default_rng(data.draw(st.integers(0, 99))).permutation(dataset.P)
    seen, rest = order[:m], order[m:]
    fitted = dataset.Y[:, seen] @ np.linalg.pinv(dataset.X[:, seen])
    wrong = (dataset.Y[:, rest] - fitted @ dataset.X[:, rest])[: dataset.n_y]
    errors = generalisation.held_out_error(dataset.compositional_inputs[:, seen], dataset.a)
    np.testing.assert_allclose((wrong**2).mean(axis=1), errors[: dataset.n_y], rtol=1e-9, atol=1e-12)

    bound = (dataset.a / (m + dataset.a)) ** 2
    assert (errors >= bound * (1 - 1e-9) - 1e-12).all()
    S = dataset.compositional_inputs[:, seen] @ dataset.compositional_inputs[:, seen].T
    orthogonal = (S - m * np.eye(dataset.n_x) == 0).all(axis=1)
    if dataset.a > 0:
        np.testing.assert_allclose(errors[orthogonal], bound)
        assert (errors[~orthogonal] > bound * (1 + 1e-9)).all()


def test_with_identity_inputs_rank_is_not_enough():
    patterns = Dataset(4, 1, 0, 1, 1.0).compositional_inputs[:, [0, 1, 2, 4, 8]]
    assert np.linalg.matrix_rank(patterns) == 4
    assert np.abs(generalisation.held_out_error(patterns, 0.0)).max() < 1e-12
    assert generalisation.held_out_error(patterns, 1.0).min() > (1 / 6) ** 2
