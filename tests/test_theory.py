"""Closed forms against numpy's decompositions, scipy's integrator and plain gradient descent."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from lib.linear import prediction, stability, theory
from lib.linear.datasets import Dataset
from lib.linear.weights import aligned_weights
from tests.spaces import class_means, datasets, dense_descent, quadrants

quick = settings(deadline=None, max_examples=25)
ABSENT = [
    Dataset(3, 0, 2, 1),
    Dataset(3, 3, 2, 1),
    Dataset(3, 1, 2, 0),
    Dataset(3, 1, 0, 2),
    Dataset(1, 1, 0, 0),
]


def deviation_from_svd(data, modes):
    """Largest gap between the modes and numpy's decomposition of the dense covariance."""
    spectrum = np.linalg.svd(data.cross_covariance, compute_uv=False)
    closed = np.sort(np.repeat(modes.singular_value, modes.multiplicity))[::-1]
    return np.abs(spectrum - np.pad(closed, (0, len(spectrum) - len(closed)))).max()


@quick
@given(datasets(largest=5))
def test_singular_values_are_numpys(data):
    assert deviation_from_svd(data, theory.modes(data)) < 1e-10


@quick
@given(datasets())
def test_singular_vectors_decompose_the_covariances(data):
    U, V, kind = theory.singular_vectors(data)
    modes = theory.modes(data)
    np.testing.assert_allclose(U.T @ U, np.eye(len(kind)), atol=1e-12)
    np.testing.assert_allclose(V.T @ V, np.eye(len(kind)), atol=1e-12)
    np.testing.assert_allclose(U * modes.singular_value[kind - 1] @ V.T, data.cross_covariance, atol=1e-10)
    np.testing.assert_allclose(data.input_covariance @ V, V * modes.input_variance[kind - 1], atol=1e-10)
    target = data.Y @ np.linalg.pinv(data.X)
    np.testing.assert_allclose(U * modes.asymptote[kind - 1] @ V.T, target, atol=1e-10)
    assert np.bincount(kind, minlength=4)[1:].tolist() == modes.multiplicity.tolist()


def test_a_wrong_singular_value_is_noticed():
    modes = theory.modes(Dataset())
    wrong = theory.Modes(modes.multiplicity, modes.singular_value * [1, 1, 1.001], *[modes.asymptote] * 2)
    assert deviation_from_svd(Dataset(), wrong) > 1e-4


@pytest.mark.parametrize("data", ABSENT)
def test_absent_classes(data):
    modes = theory.modes(data)
    assert modes.multiplicity.sum() == np.linalg.matrix_rank(data.cross_covariance)
    absent = modes.multiplicity == 0
    assert absent.any()
    for course in (theory.deep_trajectory, theory.shallow_trajectory):
        strengths = course(data, [0, 10], 1e-3, 0.01)
        assert (np.isnan(strengths) == absent).all()
        assert np.isfinite(theory.quadrant_norms(data, strengths).stack()).all()


def integrate(data, weights, rate, times):
    """Strengths along scipy's solution of the dense matrix flow from (W,) or (W₁, W₂)."""
    S_x, S_yx = data.input_covariance, data.cross_covariance
    shapes, cut = [w.shape for w in weights], weights[0].size

    def unpack(flat):
        return [part.reshape(shape) for part, shape in zip(np.split(flat, [cut]), shapes)]

    def flow(_, flat):
        layers = unpack(flat)
        error = (S_yx - (layers[1] @ layers[0] if len(layers) == 2 else layers[0]) @ S_x) * data.P * rate
        change = [layers[1].T @ error, error @ layers[0].T] if len(layers) == 2 else [error]
        return np.concatenate([part.ravel() for part in change])

    start = np.concatenate([w.ravel() for w in weights])
    found = solve_ivp(flow, (0, times[-1]), start, t_eval=times, rtol=1e-9, atol=1e-12)
    maps = [layers[-1] @ layers[0] if len(layers) == 2 else layers[0] for layers in map(unpack, found.y.T)]
    return np.array([class_means(data, W) for W in maps])


@settings(deadline=None, max_examples=10)
@given(datasets(largest=3), st.lists(st.floats(1e-4, 0.5), min_size=3, max_size=3))
def test_deep_trajectory_solves_the_matrix_flow(data, initial):
    rate = 0.05 * stability.learning_rate_bound(data, "deep")
    times = np.linspace(0, 150, 6)
    U, V, kind = theory.singular_vectors(data)
    weight = np.sqrt(initial)[kind - 1]
    found = integrate(data, [(V * weight).T, U * weight], rate, times)
    np.testing.assert_allclose(theory.deep_trajectory(data, times, initial, rate), found, atol=1e-6)


@settings(deadline=None, max_examples=10)
@given(datasets(largest=3), st.integers(0, 9))
def test_shallow_trajectory_solves_the_matrix_flow_from_any_weights(data, seed):
    rate = 0.05 * stability.learning_rate_bound(data, "shallow")
    times = np.linspace(0, 60, 6)
    W = np.random.default_rng(seed).normal(size=(data.outputs, data.inputs))
    found = integrate(data, [W], rate, times)
    start = np.nan_to_num(class_means(data, W))
    np.testing.assert_allclose(theory.shallow_trajectory(data, times, start, rate), found, atol=1e-6)


@quick
@given(datasets(), st.floats(1e-6, 0.1))
def test_limits(data, initial):
    modes = theory.modes(data)
    present = modes.multiplicity > 0
    slowest = np.r_[modes.singular_value, modes.input_variance][np.tile(present, 2)].min()
    end = 200 / (data.P * 0.01 * slowest)
    for course in (theory.deep_trajectory, theory.shallow_trajectory, theory.split_trajectory):
        first, last = course(data, [0, end], initial, 0.01)
        here = (theory.split_modes(data) if course is theory.split_trajectory else modes).multiplicity > 0
        np.testing.assert_allclose(first[here], initial, rtol=1e-9)
        if course is not theory.split_trajectory:
            np.testing.assert_allclose(last[here], modes.asymptote[here], rtol=1e-9)


@settings(deadline=None, max_examples=15)
@given(datasets(largest=3), st.floats(0.05, 0.9))
def test_deep_steps_are_gradient_descent_of_aligned_weights(data, part):
    rate = part * stability.learning_rate_bound(data, "deep")
    initial = np.array([1e-3, 2e-3, 5e-3])
    hidden = len(theory.singular_vectors(data)[2]) + 1
    W1, W2 = aligned_weights(data, "deep", initial, hidden=hidden)
    course = [class_means(data, W) for W, _ in dense_descent(data, (W1[0], W2[0]), rate, 40)]
    np.testing.assert_allclose(prediction.deep_steps(data, 40, initial, rate), course, atol=1e-9)


@quick
@given(datasets(), st.floats(1e-7, 1e-3), st.floats(0.05, 0.95))
def test_learning_times_invert_the_trajectories(data, initial, fraction):
    modes = theory.modes(data)
    assume((modes.asymptote[modes.multiplicity > 0] * fraction > initial).all())
    for times, course, start in (
        (theory.deep_learning_time(data, initial, 0.01, fraction), theory.deep_trajectory, initial),
        (theory.shallow_learning_time(data, 0.01, fraction), theory.shallow_trajectory, 0.0),
    ):
        for c in np.flatnonzero(modes.multiplicity):
            reached = course(data, [times[c]], start, 0.01)[0, c]
            np.testing.assert_allclose(reached, fraction * modes.asymptote[c], rtol=1e-9)


@quick
@given(datasets(least_k=1))
def test_order_of_learning(data):
    modes = theory.modes(data)
    assert modes.singular_value[0] > modes.singular_value[1] > modes.singular_value[2]
    assert modes.input_variance[0] == modes.input_variance[1] > modes.input_variance[2]


@quick
@given(datasets(largest=3), st.lists(st.floats(0, 2), min_size=3, max_size=3))
def test_quadrant_norms_are_those_of_the_map(data, strengths):
    U, V, kind = theory.singular_vectors(data)
    W = U * np.array(strengths)[kind - 1] @ V.T
    np.testing.assert_allclose(theory.quadrant_norms(data, strengths).stack(), quadrants(data, W), atol=1e-10)


def largest_curvature(data, weights):
    """Largest eigenvalue of the Hessian of the summed loss at one run's weights, by automatic differentiation."""
    X, Y = torch.tensor(data.X), torch.tensor(data.Y)
    shapes, cut = [w.shape[1:] for w in weights], weights[0][0].size

    def loss(flat):
        layers = [part.reshape(shape) for part, shape in zip((flat[:cut], flat[cut:]), shapes)]
        return ((Y - (layers[1] @ layers[0] if len(layers) == 2 else layers[0]) @ X) ** 2).sum() / 2

    point = torch.tensor(np.concatenate([w[0].ravel() for w in weights]))
    return float(torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, point)).max())


@pytest.mark.parametrize("architecture", ["deep", "shallow", "split"])
@pytest.mark.parametrize(
    "data",
    [
        Dataset(2, 1, 2, 1),
        Dataset(2, 1, 1, 2, 1.5),
        Dataset(2, 0, 2, 1),
        Dataset(2, 2, 1, 0),
        Dataset(2, 1, 0, 2),
    ],
)
def test_the_learning_rate_bound_is_two_over_the_largest_curvature(data, architecture):
    bound = stability.learning_rate_bound(data, architecture)
    parts = theory.split_datasets(data) if architecture == "split" else [data]
    kind = "shallow" if architecture == "shallow" else "deep"
    curvatures = [
        largest_curvature(
            part,
            aligned_weights(part, kind, np.nan_to_num(theory.modes(part).asymptote), hidden=5),
        )
        for part in filter(None, parts)
    ]
    np.testing.assert_allclose(bound, 2 / max(curvatures), rtol=1e-9)


@quick
@given(datasets(largest=3), st.integers(0, 99))
def test_no_factors_of_the_solution_are_less_curved_than_the_limit(data, seed):
    """Any invertible change of the hidden basis: the largest curvature stays at or above 2 / limit."""
    limit = stability.learning_rate_limit(data, "deep")
    assert stability.learning_rate_bound(data, "deep") <= limit * (1 + 1e-12)
    modes, (U, V, kind) = theory.modes(data), theory.singular_vectors(data)
    root = np.sqrt(modes.asymptote[kind - 1])
    change = np.random.default_rng(seed).normal(size=(len(kind), len(kind))) + 2 * np.eye(len(kind))
    W1, W2 = change @ (V * root).T, (U * root) @ np.linalg.inv(change)
    along = [((W1 @ v) ** 2).sum() + ((W2.T @ u) ** 2).sum() for u, v in zip(U.T, V.T)]
    assert max(along * modes.input_variance[kind - 1]) * data.P >= 2 / limit * (1 - 1e-9)


def test_the_limits_of_the_architectures():
    assert stability.learning_rate_limit(Dataset(), "deep") == pytest.approx(1 / np.sqrt(11 * 9))
    assert stability.learning_rate_limit(Dataset(), "shallow") == pytest.approx(2 / 11)
    assert stability.learning_rate_limit(Dataset(), "split") == pytest.approx(1 / np.sqrt(11 * 8))
    wide_output = Dataset(2, 1, 1, 2, 1.5)
    assert stability.learning_rate_bound(wide_output, "deep") < stability.learning_rate_limit(
        wide_output, "deep"
    )


BAD = [
    (lambda: theory.deep_trajectory(Dataset(), [0, -1], 1e-3, 0.1), "none below 0"),
    (lambda: theory.deep_trajectory(Dataset(), [np.inf], 1e-3, 0.1), "finite epochs"),
    (lambda: theory.deep_trajectory(Dataset(), [[1, 2]], 1e-3, 0.1), "sequence of finite epochs"),
    (lambda: theory.deep_trajectory(Dataset(), [1], 0.0, 0.1), "a deep mode that starts at 0 stays there"),
    (lambda: theory.deep_trajectory(Dataset(), [1], [1e-3, 1e-3], 0.1), "one a class: 3"),
    (lambda: theory.shallow_trajectory(Dataset(), [1], np.inf, 0.1), "must be finite"),
    (lambda: theory.shallow_trajectory(Dataset(), [1], 0, 0), "learning rate = 0 is not"),
    (lambda: theory.shallow_trajectory(Dataset(), [1], 0, np.nan), "learning rate = nan is not"),
    (lambda: theory.deep_trajectory(Dataset(), [1], 1e-3, "0.1"), "learning rate = '0.1' is not"),
    (lambda: theory.deep_learning_time(Dataset(), 1e-3, 0.1, 1.0), "between 0 and 1"),
    (lambda: stability.learning_rate_bound(Dataset(), "wide"), "choose one of deep, shallow, split"),
    (lambda: prediction.deep_steps(Dataset(), 0, 1e-3, 0.1), "epochs = 0"),
    (lambda: theory.quadrant_norms(Dataset(), [1.0, 2.0]), "give one a class"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@quick
@given(datasets())
def test_shallow_modules_make_the_map_of_one_shallow_network(data):
    times, rate = np.linspace(0, 300, 7), 0.5 * stability.learning_rate_bound(data, "shallow")
    one = theory.quadrant_norms(data, theory.shallow_trajectory(data, times, 0, rate))
    parts = theory.split_shallow_trajectory(data, times, 0, rate)
    for name, norms in vars(theory.split_quadrant_norms(data, parts)).items():
        np.testing.assert_allclose(norms, getattr(one, name), atol=1e-12)
