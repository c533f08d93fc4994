"""The geometry chapter: held-out examples, Adam's constant, deep networks, remedies and the transfer of a step."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from lib.convolutional import digits, transfer
from lib.convolutional.networks import Network, Settings
from lib.linear import geometry, remedies
from lib.linear.datasets import Dataset
from lib.linear.generalisation import limit_errors
from lib.linear.optimisers import mirror_bound, rule_weight, train
from lib.linear.steps import Adam
from tests.spaces import datasets, generators

some = settings(deadline=None, max_examples=40)
few = settings(deadline=None, max_examples=10)


def masks(dataset, rng, number=8):
    drawn = rng.random((number, dataset.P)) < rng.uniform(0.3, 0.9, (number, 1))
    drawn[:, 0], drawn[:, 1] = True, False
    return drawn


@few
@given(datasets(n_y=1, k_x=1, scales=(0.5, 2)), generators)
def test_gradient_descent_on_subsets_is_ridge_regression(dataset, rng):
    training = masks(dataset, rng)
    rate = 1 / (dataset.P + dataset.a)
    steps = int(40 / (rate * dataset.a))
    found, left, _ = geometry.learn_subsets(dataset, "sgd", training, learning_rate=rate, steps=steps)
    expected = limit_errors(dataset, training).comp / (~training).sum(axis=1)
    np.testing.assert_allclose(found.mean(axis=1), expected, atol=1e-9)
    assert left.max() < 1e-9


@few
@given(st.integers(2, 5), st.integers(1, 2), st.floats(0.3, 3), generators)
def test_sign_descent_ends_at_the_floor_wherever_the_theorem_says_so(n_x, k_x, r, rng):
    dataset = Dataset(n_x, 1, k_x, 0, r)
    one_out = np.arange(dataset.P) != rng.integers(dataset.P)
    half = np.prod(dataset.compositional_inputs, axis=0) > 0
    training = np.array([*masks(dataset, rng, 20), one_out, half])
    rho = rule_weight(dataset, np.inf)
    found = geometry.learn_subsets(dataset, "sign", training, learning_rate=rho / 1000, steps=1000).held_out
    covered = geometry.nearly_balanced(dataset, training)
    assert covered[-1] or n_x == 2  # where the half shows both features in one pattern
    np.testing.assert_allclose(found[covered, 0], (1 - rho) ** 2, atol=0.02)


def test_some_training_sets_are_off_the_floor():
    """So that the theorem's conditions have something to leave out."""
    dataset = Dataset(5, 1, 1, 0, 1.0)
    training = np.arange(32)[None] < 6
    found = geometry.learn_subsets(dataset, "sign", training, learning_rate=1e-3, steps=1000).held_out
    assert not geometry.nearly_balanced(dataset, training)[0]
    assert abs(found[0, 0] - 0.25) > 0.05


@pytest.mark.parametrize("optimiser", ["sgd", 1.3, "sign", Adam(epsilon=1e-12)])
@few
@given(st.integers(2, 5), st.integers(1, 2), st.floats(0.1, 3), generators)
def test_no_row_without_large_weights_is_right_on_held_out_examples(optimiser, n_x, k_x, r, rng):
    dataset = Dataset(n_x, 1, k_x, 0, r)
    training = masks(dataset, rng)
    rate = {"sgd": 1 / (dataset.P + dataset.a), 1.3: mirror_bound(dataset, 1.3) / 10}.get(optimiser, 0.002)
    found = geometry.learn_subsets(dataset, optimiser, training, learning_rate=rate, steps=600)
    for error, left, largest, mask in zip(*(part[:, 0] for part in found), training):
        bound = geometry.held_out_bound(dataset, mask.sum(), largest, left)
        assert error >= bound - 1e-12


def test_the_bound_is_reached_by_the_row_of_one_size():
    """ρ on the feature and on the identity inputs of the training set: the largest weights are all it has."""
    dataset, mask = Dataset(4, 1, 2, 0, 0.6), np.arange(16) < 11
    rho, omega = rule_weight(dataset, np.inf), dataset.compositional_inputs[0]
    row = rho * np.concatenate([[1, 0, 0, 0], np.tile(omega * mask, 2)])
    missed = dataset.Y[0] - row @ dataset.X
    np.testing.assert_allclose(missed[mask], 0, atol=1e-12)
    bound = geometry.held_out_bound(dataset, 11, rho)
    assert np.mean(missed[~mask] ** 2) == pytest.approx(bound)
    assert bound == pytest.approx((1 - rho) ** 2)


@some
@given(datasets(n_y=1, scales=(0.1, 30)), st.floats(1e-6, 1e6))
def test_adam_s_constant_is_the_integral_of_the_flow(dataset, epsilon):
    P, r, k_x = dataset.P, dataset.r, dataset.k_x

    def share(log_f):
        f = np.exp(log_f)
        own, rest = P / (P * f + epsilon), k_x * r**2 / (r * f + epsilon)
        return f * own / (own + rest)

    integral = quad(share, -40, 0, limit=400, epsabs=1e-10)[0]
    assert geometry.adam_rule_weight(dataset, epsilon) == pytest.approx(integral, abs=1e-6)


@few
@given(datasets(n_y=1, scales=(0.1, 30)))
def test_adam_s_constant_leads_from_one_geometry_to_the_other(dataset):
    small, large = (geometry.adam_rule_weight(dataset, epsilon) for epsilon in (1e-12, 1e12))
    assert small == pytest.approx(rule_weight(dataset, np.inf), rel=1e-6)
    assert large == pytest.approx(rule_weight(dataset, 2), rel=1e-6)


@pytest.mark.parametrize("n", range(1, 9))
def test_the_mean_of_a_sum_of_signs(n):
    sums = [abs(sum(signs)) for signs in product((-1, 1), repeat=n)]
    assert geometry.mean_sign_share(n) == pytest.approx(np.mean(sums) / n, rel=1e-12)


@pytest.mark.parametrize("optimiser", ["sign", "adam"])
def test_shared_units_have_the_ratio_of_the_law(optimiser):
    dataset = Dataset(4, 3, 1, 0, 1.0)
    options = dict(hidden=150, init_std=1e-6, learning_rate=4e-4, steps=400, seeds=2)
    norms = train(dataset, optimiser, architecture="deep", **options).norms
    ratio = (norms.noncomp_to_comp / norms.comp_to_comp)[:, -1].mean()
    assert ratio == pytest.approx(geometry.shared_units_ratio(dataset), rel=0.06)
    assert abs(ratio / np.sqrt(dataset.k_x * dataset.P) - 1) > 0.3


def early_ratio(dataset, optimiser, **options):
    """The ratio of a deep network where the compositional outputs reach a quarter of their targets."""
    norms = train(dataset, optimiser, architecture="deep", **options).norms
    by_names = norms.noncomp_to_comp * np.sqrt(dataset.k_x / dataset.P) * dataset.r
    reached = ((norms.comp_to_comp + by_names) / np.sqrt(dataset.n_y) > 0.25).argmax(axis=1)
    ratio = norms.noncomp_to_comp[:, 1:] / norms.comp_to_comp[:, 1:]
    return np.mean([course[k - 1] for course, k in zip(ratio, reached)])


@pytest.mark.parametrize("optimiser", ["sign", Adam(epsilon=1e-30)])
def test_identity_outputs_matter_from_k_y_r_1_on(optimiser):
    options = dict(hidden=60, init_std=1e-9, learning_rate=1e-4, steps=650, seeds=1)
    for n_y, k_y, r in ((1, 1, 0.5), (1, 3, 0.2), (3, 1, 0.5)):
        dataset = Dataset(3, n_y, 1, k_y, r)
        found = early_ratio(dataset, optimiser, **options)
        assert found == pytest.approx(geometry.shared_units_ratio(dataset), rel=0.05)
    beyond = early_ratio(Dataset(3, 1, 1, 1, 1.1), optimiser, **options)
    assert beyond < 0.8 * geometry.shared_units_ratio(Dataset(3, 1, 1, 0, 1.1))


@pytest.mark.parametrize("remedy", remedies.REMEDIES)
@few
@given(datasets(largest=3, n_y=1, k_x=1, scales=(0.5, 2)), st.floats(0.3, 1.0))
def test_remedies_end_where_they_should(remedy, dataset, strength):
    assume(abs(dataset.r - dataset.P) > 0.1)
    found = remedies.train(dataset, remedy, strength, steps=5000)
    expected = remedies.expected(dataset, remedy, strength)
    assert found.ratio == pytest.approx(expected.ratio, abs=1e-6)
    assert found.comp_error == pytest.approx(expected.comp_error, abs=1e-8)
    if np.isfinite(expected.noncomp_error):
        assert found.noncomp_error == pytest.approx(expected.noncomp_error, abs=1e-8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: geometry.adam_rule_weight(Dataset(), 0), "epsilon = 0 is not finite and positive"),
        (lambda: geometry.shared_units_ratio(Dataset()), "k_y r = 1: the law holds below 1"),
        (lambda: geometry.held_out_bound(Dataset(), 8, 0.2), "examples = 8 is not between 0 and P = 8"),
        (lambda: remedies.expected(Dataset(), "prayer", 1), "remedy = 'prayer' is unknown"),
        (lambda: remedies.expected(Dataset(), "l1", -1), "strength = -1 is not finite and positive"),
        (lambda: remedies.expected(Dataset(k_x=0), "l1", 1), "n_y > 0 and k_x > 0"),
        (lambda: remedies.expected(Dataset(r=8.0), "l1", 1), "l1 with r = P = 8"),
        (lambda: remedies.train(Dataset(), "l1", 1, steps=3, hidden=4), "is for shallow networks"),
        (
            lambda: geometry.learn_subsets(Dataset(), "sign", [[True] * 8], learning_rate=1, steps=1),
            "no example is held out",
        ),
        (
            lambda: geometry.learn_subsets(
                Dataset(), "muon", [[True] * 7 + [False]], learning_rate=1, steps=1
            ),
            "moves every weight by itself",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("architecture", ["dense", "split"])
def test_the_gradients_of_transfer_are_the_network_s(architecture):
    settings = Settings(architecture, 3, ((2, 4), (3, 3)), batch=5, precision="float64", init_std=0.2)
    network = Network(settings, (6, 15), 2, 3.0, [4, 7])
    rng = np.random.default_rng(0)
    composites = digits.Composites(
        rng.random((5, 6, 15)).astype(np.float32), rng.integers(10, size=(5, 2)), 3.0
    )
    [ours] = transfer.gradients(network, 1, composites, 5)
    single = torch.stack([*transfer.gradients(network, 1, composites, 1)])
    np.testing.assert_allclose(single.mean(0), ours, atol=1e-12)
    images = torch.from_numpy(composites.images).double().expand(2, -1, -1, -1)
    labels = torch.from_numpy(composites.labels).expand(2, -1, -1)
    theirs = network.kernel_gradients(images, labels, torch.tensor([[0.5, 0.0]] * 2, dtype=torch.float64))
    flat = torch.cat([g.reshape(-1, *g.shape[-4:])[1].flatten() for g in theirs])
    np.testing.assert_allclose(ours[: len(flat)], flat, atol=1e-12)
    both = transfer.transfer(network, 1, composites, composites)
    assert [both[name] for name in transfer.DIRECTIONS] == pytest.approx([1, 1, 1])
    few = transfer.few_examples(network, 1, composites)
    behind = single.abs().sum(0) ** 2 / single.square().sum(0).clamp(min=1e-300)
    assert few["few_sign"] == pytest.approx(1)  # five examples are few
    assert 1 <= few["examples"] <= 5
    gain = single.sum(0).abs()
    below, above = (gain[behind < few["examples"] * edge].sum() for edge in (1 - 1e-9, 1 + 1e-9))
    assert below <= gain.sum() / 2 <= above
