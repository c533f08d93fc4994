"""Structured, batched training against the dense computation, and every refusal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from lib.linear import prediction, stability, theory, training
from lib.linear.blocks import times_block
from lib.linear.datasets import Dataset
from lib.linear.training import ARCHITECTURES
from lib.linear.weights import in_fewest_units, initial_strengths, initial_weights
from tests.spaces import class_means, datasets, dense_descent, quadrants

SETTINGS = dict(hidden=7, init_std=0.1, epochs=30)


def gap_to_dense(data, architecture, rate, seed):
    """Largest relative gap between lib's history and the dense computation from the same weights."""
    options = dict(hidden=7, init_std=0.1, seeds=[seed])
    weights = initial_weights(data, architecture, **options)
    history = training.train(data, architecture, learning_rate=rate, epochs=30, **options)
    gaps = []
    for epoch, (W, loss) in enumerate(dense_descent(data, [w[0] for w in weights], rate, 30)):
        gaps += [
            np.nanmax(np.abs(history.strengths[0, epoch] - class_means(data, W))),
            np.abs(history.norms.stack()[:, 0, epoch] - quadrants(data, W)).max(),
            abs(history.loss[0, epoch] - loss) / (1 + data.P * data.outputs),
        ]
    return max(gaps)


@settings(deadline=None, max_examples=25)
@given(datasets(), st.sampled_from(["deep", "shallow"]), st.floats(0.1, 0.9), st.integers(0, 99))
def test_training_is_dense_gradient_descent(data, architecture, part, seed):
    rate = part * stability.learning_rate_bound(data, architecture)
    assert gap_to_dense(data, architecture, rate, seed) < 1e-11


def test_a_wrong_factor_in_the_step_is_noticed(monkeypatch):
    right = times_block
    monkeypatch.setattr(training, "times_block", lambda *args: right(*args) * 1.001)
    assert gap_to_dense(Dataset(), "deep", 0.02, 0) > 1e-6


@settings(deadline=None, max_examples=10)
@given(datasets(largest=3), st.integers(0, 99))
def test_the_split_network_is_its_two_modules(data, seed):
    rate = 0.5 * stability.learning_rate_bound(data, "split")
    options = dict(hidden=7, init_std=0.1, seeds=[seed])
    weights = initial_weights(data, "split", **options)
    history = training.train(data, "split", learning_rate=rate, epochs=20, **options)
    losses, strengths = np.zeros(20), np.full((20, 3), np.nan)
    for part, pair, classes in zip(theory.split_datasets(data), weights, ([0], [1, 2])):
        if part is None:
            assert pair is None
            continue
        for epoch, (W, loss) in enumerate(dense_descent(part, [w[0] for w in pair], rate, 20)):
            losses[epoch] += loss
            strengths[epoch, classes] = class_means(part, W)[classes]
    np.testing.assert_allclose(history.loss[0], losses, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(history.strengths[0], strengths, atol=1e-11)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_run_depends_on_its_own_seed_only(architecture):
    options = dict(learning_rate=0.01, **SETTINGS)
    both = training.train(Dataset(), architecture, seeds=[4, 9], **options)
    alone = training.train(Dataset(), architecture, seeds=[9], **options)
    counted = training.train(Dataset(), architecture, seeds=2, **options)
    listed = training.train(Dataset(), architecture, seeds=[0, 1], **options)
    np.testing.assert_allclose(both.strengths[1], alone.strengths[0], rtol=1e-12)
    np.testing.assert_array_equal(counted.loss, listed.loss)
    assert not np.allclose(both.strengths[0], both.strengths[1])
    assert both.strengths.shape == (2, 30, 3)
    assert both.loss.shape == both.norms.comp_to_comp.shape == (2, 30)


def test_initial_weights_have_the_asked_spread():
    W1, W2 = initial_weights(Dataset(n_x=6), "deep", hidden=100, init_std=0.02, seeds=3)
    for W in (W1, W2):
        np.testing.assert_allclose(W.std(), 0.02, rtol=0.02)
        assert abs(W.mean()) < 0.001


def test_initial_strengths_are_what_earlier_classes_leave_of_the_start():
    """A second route: of the inverse Gram matrix of the classes up to this one, its own block, inverted."""
    data = Dataset(3, 1, 2, 1, 0.7)
    weights = initial_weights(data, "deep", hidden=9, init_std=1e-5, seeds=2)
    initial = initial_strengths(data, weights)
    U, V, kind = theory.singular_vectors(data)
    for run in range(2):
        Z = (weights[0][run] @ V + weights[1][run].T @ U) / 2
        for c in (1, 2, 3):
            so_far = kind <= c
            inverse = np.linalg.inv(Z[:, so_far].T @ Z[:, so_far])[
                np.ix_(kind[so_far] == c, kind[so_far] == c)
            ]
            expected = np.sort(1 / np.linalg.eigvalsh(inverse))[::-1]
            np.testing.assert_allclose(initial[run, : len(expected), c - 1], expected, rtol=1e-8)
            assert np.isnan(initial[run, len(expected) :, c - 1]).all()


@pytest.mark.parametrize("architecture", ["deep", "split"])
def test_the_prediction_needs_the_directions_that_are_taken(architecture):
    data, options = Dataset(), dict(hidden=50, init_std=2e-4, seeds=6)
    weights = initial_weights(data, architecture, **options)
    history = training.train(data, architecture, learning_rate=0.02, epochs=300, weights=weights, **options)
    found = prediction.predicted_strengths(data, architecture, weights, epochs=300, learning_rate=0.02)
    assert np.abs(history.strengths - found).max() < 3e-4
    steps = {"deep": prediction.deep_steps, "split": prediction.split_steps}[architecture]
    initial = initial_strengths(data, weights)
    each = np.nanmean(steps(data, 300, initial, 0.02), axis=2).swapaxes(0, 1)
    np.testing.assert_allclose(found, each, rtol=1e-12)
    earlier = np.array([0, data.n_y, data.n_x] if architecture == "deep" else [0, 0, data.n_x])
    untaken = np.nanmean(steps(data, 300, initial * 50 / (50 - earlier), 0.02), axis=2).swapaxes(0, 1)
    assert np.abs(history.strengths - untaken).max() > 3e-3


def test_a_wide_network_trains_the_same_in_fewest_units():
    data = Dataset(2, 1, 1, 1, 0.7)
    options = dict(hidden=60, init_std=0.05, seeds=3)
    wide = initial_weights(data, "deep", **options)
    narrow = in_fewest_units(wide)
    assert narrow[0].shape[1] == data.inputs + data.outputs < 60
    run = dict(learning_rate=0.05, epochs=100)
    first, second = (training.train(data, "deep", weights=w, **run, **options) for w in (wide, narrow))
    np.testing.assert_allclose(first.strengths, second.strengths, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(first.loss, second.loss, rtol=1e-10)
    strengths = [initial_strengths(data, w)[:, :1] for w in (wide, narrow)]
    np.testing.assert_allclose(*strengths, rtol=1e-9)
    few = initial_weights(data, "deep", hidden=3, init_std=0.05, seeds=1)
    assert in_fewest_units(few)[0].shape[1] == 3


def test_two_modes_at_once_in_closed_form():
    """Balanced weights of one input variance: the inverse of M = ZᵀZ is linear in time; the prediction chapter."""
    rng, lam, delta = np.random.default_rng(0), np.array([1.2, 0.5, 0.4]), 1.4
    Z = rng.normal(0, 0.05, (4, 3))

    def flow(_, z):
        return (z.reshape(4, 3) @ (np.diag(lam) - delta * z.reshape(4, 3).T @ z.reshape(4, 3))).ravel()

    times = np.linspace(0, 20, 5)
    found = solve_ivp(flow, (0, 20), Z.ravel(), t_eval=times, rtol=1e-11, atol=1e-14).y.T.reshape(-1, 4, 3)
    for t, z in zip(times, found):
        fade = np.exp(-lam * t)
        inverse = fade[:, None] * np.linalg.inv(Z.T @ Z) * fade + np.diag(delta / lam * (1 - fade**2))
        np.testing.assert_allclose(z.T @ z, np.linalg.inv(inverse), rtol=1e-6, atol=1e-9)
    schur = 1 / np.linalg.inv(Z.T @ Z)[2, 2]
    late = 1 / (np.exp(-2 * lam[2] * 20) / schur + delta / lam[2] * (1 - np.exp(-2 * lam[2] * 20)))
    np.testing.assert_allclose((found[-1].T @ found[-1])[2, 2], late, rtol=0.02)
    untaken = (Z.T @ Z)[2, 2]
    assert untaken > 1.05 * schur


def test_initial_strengths_of_a_split_network_are_those_of_its_modules():
    data = Dataset(3, 1, 2, 1, 0.7)
    weights = initial_weights(data, "split", hidden=9, init_std=1e-5, seeds=2)
    initial = initial_strengths(data, weights)
    comp, identity = theory.split_datasets(data)
    np.testing.assert_array_equal(initial[:, :1, 0], initial_strengths(comp, weights[0])[..., 0])
    np.testing.assert_array_equal(initial[..., 1:], initial_strengths(identity, weights[1])[..., 1:])
    for missing in (Dataset(2, 0, 1, 1), Dataset(2, 2, 1, 0)):
        weights = initial_weights(missing, "split", hidden=3, init_std=1e-5, seeds=1)
        present = theory.split_modes(missing).multiplicity > 0
        assert (np.isfinite(initial_strengths(missing, weights)).any(axis=(0, 1)) == present).all()
    with pytest.raises(ValueError, match="a deep or a split one"):
        initial_strengths(data, initial_weights(data, "shallow", hidden=1, init_std=1, seeds=1))


def test_fewer_hidden_units_than_modes_leave_the_weak_modes_out():
    data = Dataset(3, 1, 3, 1, 1.0)
    history = training.train(data, "deep", hidden=5, learning_rate=0.05, epochs=3000, init_std=1e-3, seeds=2)
    asymptote = theory.modes(data).asymptote
    np.testing.assert_allclose(history.strengths[:, -1, :2], np.tile(asymptote[:2], (2, 1)), rtol=5e-3)
    np.testing.assert_allclose(history.strengths[:, -1, 2], 2 / 5 * asymptote[2], rtol=1e-2)


def train(**changes):
    options = dict(hidden=5, learning_rate=0.01, epochs=3, init_std=0.1, seeds=1) | changes
    return training.train(options.pop("data", Dataset()), options.pop("architecture", "deep"), **options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "wide"}, "architecture = 'wide' is unknown; choose one of deep, shallow, split"),
        ({"rule": "magic"}, "rule = 'magic' is unknown; choose one of gradient_descent"),
        ({"hidden": 0}, "hidden = 0 is not an integer from 1 on"),
        ({"hidden": 2.5}, "hidden = 2.5 is not an integer"),
        ({"epochs": 0}, "epochs = 0 is not an integer from 1 on"),
        ({"epochs": True}, "epochs = True is not an integer"),
        ({"seeds": 0}, "seeds = 0 is not an integer from 1 on"),
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": [1, -1]}, "seed = -1 is not an integer from 0 on"),
        ({"seeds": [0.5]}, "seed = 0.5 is not an integer"),
        ({"init_std": 0}, "init_std = 0 is not finite and positive"),
        ({"init_std": np.nan}, "init_std = nan is not finite"),
        ({"learning_rate": 0}, "learning_rate = 0 is not finite and positive"),
        ({"learning_rate": np.inf}, "learning_rate = inf is not finite"),
        (
            {"learning_rate": 0.11},
            "learning_rate = 0.11 is above the limit 0.100504, beyond which no solution",
        ),
        (
            {"learning_rate": 0.19, "architecture": "shallow"},
            "above the limit 0.181818, beyond which no solution .* below the bound 0.181818",
        ),
        (
            {"data": Dataset(6, 2, 2, 1), "learning_rate": 0.02},
            "above the limit 0.0152676, beyond which no solution",
        ),
        ({"init_std": 1e3, "epochs": 50}, "training diverged at epoch .* below the bound 0.100504"),
        (
            {"data": Dataset(n_x=20), "architecture": "shallow", "learning_rate": 1e-6},
            "GiB are free; lower n_x",
        ),
    ],
)
def test_refusals(changes, message):
    with pytest.raises(ValueError, match=message):
        train(**changes)
