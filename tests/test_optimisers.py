"""The geometry chapter: the steps against torch.optim, and where each geometry ends, on every kind of dataset."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import linprog, minimize

from lib.linear import flows, theory, training
from lib.linear.datasets import Dataset
from lib.linear.modules import block_norms
from lib.linear.optimisers import mirror_bound, rule_weight, single_features, train
from lib.linear.stability import learning_rate_bound
from lib.linear.steps import SGD, Adam, Mirror, Muon, Sign, named, newton_schulz
from tests.spaces import datasets, generators

some = settings(deadline=None, max_examples=60)
few = settings(deadline=None, max_examples=15)
SCALES = (0.1, 30.0)


def both(optimiser, torch_class, rng, rate=0.01, steps=25, **options):
    """The weights after some steps of ours and of torch's, from the same start along the same gradients.

    The gradients are drawn, not a loss's: a loss would hand rounding back to the next step, and where a gradient
    changes sign a step that divides by its size makes rounding grow.
    """
    start, *gradients = rng.normal(size=(steps + 1, 4, 6))
    W, state = start.copy(), {}
    weight = torch.nn.Parameter(torch.from_numpy(start.copy()))
    reference = torch_class([weight], lr=rate, **options)
    for gradient in gradients:
        W = optimiser.step(W, gradient, state, rate)
        weight.grad = torch.from_numpy(gradient.copy())
        reference.step()
    return W, weight.detach().numpy()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@few
@given(generators)
def test_sgd_is_torch_s(momentum, rng):
    ours, theirs = both(SGD(momentum), torch.optim.SGD, rng, 1e-3, momentum=momentum)
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


@few
@given(generators, st.floats(0, 0.95), st.floats(0.5, 0.999), st.sampled_from([1e-8, 1e-3, 1.0]))
def test_adam_is_torch_s(rng, beta1, beta2, epsilon):
    ours, theirs = both(Adam(beta1, beta2, epsilon), torch.optim.Adam, rng, betas=(beta1, beta2), eps=epsilon)
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


@pytest.mark.parametrize("momentum", [0.0, 0.95])
@few
@given(generators)
def test_muon_is_torch_s_but_for_its_low_precision(momentum, rng):
    """torch.optim.Muon iterates in bfloat16: with that cast taken out the two agree to rounding."""
    muon = torch.optim.Muon
    options = dict(momentum=momentum, weight_decay=0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "bfloat16", lambda tensor: tensor.clone())
        ours, theirs = both(Muon(momentum, 5), muon, rng, **options)
    np.testing.assert_allclose(ours, theirs, atol=1e-10)
    coarse = both(Muon(momentum, 5), muon, rng, steps=1, **options)
    np.testing.assert_allclose(*coarse, atol=1e-3)


def test_one_other_constant_is_noticed():
    """The comparisons above can fail."""
    ours, theirs = both(Adam(beta2=0.998), torch.optim.Adam, np.random.default_rng(0))
    assert np.abs(ours - theirs).max() > 1e-6


@few
@given(generators)
def test_muon_without_iterations_takes_the_polar_factor(rng):
    G = rng.normal(size=(2, 4, 6))
    moved = -Muon().step(np.zeros_like(G), G, {}, 1.0)
    np.testing.assert_allclose(moved @ moved.mT, np.broadcast_to(np.eye(4), (2, 4, 4)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.eigvalsh(moved.mT @ G) > -1e-12, True)
    sizes = np.linalg.svd(newton_schulz(G, 5), compute_uv=False)
    assert ((sizes > 0.6) & (sizes < 1.25)).all()


def test_muon_leaves_out_the_directions_without_a_gradient():
    G = np.outer([1.0, 2.0], [3.0, 0.0, 4.0])
    moved = -Muon().step(np.zeros_like(G), G, {}, 1.0)
    np.testing.assert_allclose(moved, G / np.linalg.norm(G), atol=1e-12)


def least_norm(dataset, p):
    """The row of least Σ|w|^p that fits the first compositional output, by numerical optimisation."""
    X, y = dataset.X, dataset.Y[0]
    n = dataset.inputs
    if p == 1:  # w = u − v with u, v ≥ 0
        found = linprog(np.ones(2 * n), A_eq=np.hstack([X.T, -X.T]), b_eq=y)
        return found.x[:n] - found.x[n:]
    if p == np.inf:  # least t with |w| ≤ t
        eye = np.eye(n)
        bounds = np.vstack([np.hstack([eye, -np.ones((n, 1))]), np.hstack([-eye, -np.ones((n, 1))])])
        equal = np.hstack([X.T, np.zeros((len(y), 1))])
        cost = np.append(np.zeros(n), 1)
        return linprog(cost, bounds, np.zeros(2 * n), equal, y, bounds=(None, None)).x[:n]
    null = np.linalg.svd(X.T)[2][len(y) :].T  # w = start + null z: no constraint left
    start = y @ np.linalg.pinv(X)
    value = lambda z: (np.abs(start + null @ z) ** p).sum()  # noqa: E731
    slope = lambda z: p * null.T @ (np.sign(start + null @ z) * np.abs(start + null @ z) ** (p - 1))  # noqa: E731
    z = minimize(value, np.zeros(null.shape[1]), jac=slope, method="BFGS", options={"gtol": 1e-12}).x
    return start + null @ z


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, np.inf])
@few
@given(datasets(largest=3, most_k=2, n_y=1, k_x=1, scales=(0.3, 6)))
def test_rule_weight_is_that_of_the_least_norm_map(p, dataset):
    assume(p > 1 or abs(dataset.r - dataset.P) > 0.1)
    assert least_norm(dataset, p)[0] == pytest.approx(rule_weight(dataset, p), abs=1e-4)


@some
@given(datasets(n_y=1, scales=SCALES), st.floats(1.1, 10))
def test_rule_weight_obeys_its_equation(dataset, p):
    rho = rule_weight(dataset, p)
    assert 0 <= rho <= 1
    if dataset.k_x == 0:
        assert rho == 1
        return
    memory = dataset.k_x * dataset.r * (dataset.r / dataset.P) ** (1 / (p - 1))  # (1 − ρ)/ρ
    assert rho == pytest.approx(1 / (1 + memory), rel=1e-9)


@some
@given(datasets(n_y=1, scales=SCALES))
def test_rule_weight_at_the_three_known_geometries(dataset):
    P, a = dataset.P, dataset.a
    assert rule_weight(dataset, 2) == pytest.approx(P / (P + a), rel=1e-12)
    assert rule_weight(dataset, np.inf) == pytest.approx(1 / (1 + dataset.k_x * dataset.r), rel=1e-12)
    assert rule_weight(dataset, 1e9) == pytest.approx(rule_weight(dataset, np.inf), rel=1e-6)
    if dataset.r != P and dataset.k_x:
        assert rule_weight(dataset, 1) == float(dataset.r < P)


@some
@given(datasets(k_x=1, n_y=1, scales=SCALES), st.floats(1.1, 10))
def test_mirror_descent_ends_at_the_least_norm_map(dataset, p):
    dataset = Dataset(dataset.n_x, dataset.n_y, dataset.k_x, 0, dataset.r)
    found = train(dataset, p, learning_rate=mirror_bound(dataset, p) / 2, steps=300)
    (W,) = found.weights
    rho = rule_weight(dataset, p)
    row = np.zeros((dataset.n_y, dataset.inputs))
    row[:, : dataset.n_y] = rho * np.eye(dataset.n_y)
    rest = (1 - rho) / (dataset.k_x * dataset.r) * dataset.compositional_outputs
    row[:, dataset.n_x :] = np.tile(rest, (1, dataset.k_x))
    np.testing.assert_allclose(W[0], row, atol=1e-8)
    assert found.loss[0, -1] < 1e-12


@few
@given(datasets(k_x=1, n_y=1, scales=(0.3, 3)), st.sampled_from([1.5, 2.0, 4.0]))
def test_the_mirror_bound_is_where_the_fit_becomes_unstable(dataset, p):
    dataset = Dataset(dataset.n_x, dataset.n_y, dataset.k_x, 0, dataset.r)
    bound, near = mirror_bound(dataset, p), 600
    assert train(dataset, p, learning_rate=0.95 * bound, steps=near).loss[0, -1] < 1e-9
    try:
        above = train(dataset, p, learning_rate=1.1 * bound, steps=near).loss[0, -1]
    except ValueError:
        return
    assert above > 1e-6


@some
@given(datasets(scales=SCALES), st.floats(1e-4, 0.1))
def test_sign_descent_moves_every_weight_of_a_rule_alike(dataset, rate):
    norms = train(dataset, "sign", learning_rate=rate, steps=40).norms
    if dataset.n_y and dataset.k_x:
        expected = np.sqrt(dataset.k_x * dataset.P) * norms.comp_to_comp
        assert (norms.comp_to_comp[0, 1::2] > 0).all()  # a too long step may fall back to 0
        np.testing.assert_allclose(norms.noncomp_to_comp, expected, rtol=1e-9, atol=1e-15)
    else:
        assert not (norms.noncomp_to_comp if dataset.k_x == 0 else norms.comp_to_comp).any()


@some
@given(datasets(n_y=1, k_x=1, scales=SCALES), st.floats(0, 0.95), st.floats(0.5, 0.999), st.floats(1e-4, 0.1))
def test_adam_without_epsilon_does_the_same(dataset, beta1, beta2, rate):
    norms = train(dataset, Adam(beta1, beta2, 0.0), learning_rate=rate, steps=60).norms
    reached = norms.comp_to_comp[0] > 1e-6
    ratio = norms.noncomp_to_comp[0, reached] / norms.comp_to_comp[0, reached]
    np.testing.assert_allclose(ratio, np.sqrt(dataset.k_x * dataset.P), rtol=1e-6)


@some
@given(datasets(n_y=1, k_x=1, scales=SCALES), st.floats(1.1, 10), st.floats(0.05, 0.9))
def test_the_coupling_of_a_geometry_holds_at_every_step(dataset, p, share):
    dataset = Dataset(dataset.n_x, dataset.n_y, dataset.k_x, 0, dataset.r)
    norms = train(dataset, p, learning_rate=share * mirror_bound(dataset, p), steps=30).norms[0, 1:]
    ratio = norms.noncomp_to_comp / norms.comp_to_comp
    np.testing.assert_allclose(ratio, flows.coupling_ratio(dataset, p), rtol=1e-9)


@some
@given(datasets(n_y=1, scales=SCALES))
def test_the_coupling_at_the_known_geometries(dataset):
    known = {2: np.sqrt(dataset.a / dataset.P), np.inf: np.sqrt(dataset.k_x * dataset.P)}
    for p, ratio in known.items():
        assert flows.coupling_ratio(dataset, p) == pytest.approx(ratio, rel=1e-12)
    assume(dataset.r != dataset.P)
    assert flows.coupling_ratio(dataset, 1) == (0 if dataset.r < dataset.P or not dataset.k_x else np.inf)


@some
@given(datasets(n_y=1, scales=SCALES), st.floats(1.1, 10), st.floats(0.01, 0.99))
def test_the_course_is_the_integral_of_its_flow(dataset, p, share):
    """With y = u^{p−1}, ẏ = 1 − y^{1/(p−1)} in units of ρ^{p−1}/(εP): the time to reach the share u."""
    c, rate = p - 1, 0.01
    time = quad(lambda y: 1 / (1 - y ** (1 / c)), 0, share**c, epsabs=1e-12, epsrel=1e-10)[0]
    time *= rule_weight(dataset, p) ** c / (rate * dataset.P)
    [found] = flows.rule_course(dataset, p, [time], rate)
    assert found == pytest.approx(share * rule_weight(dataset, p), rel=1e-6)


@pytest.mark.parametrize("p", [1.2, 1.5, 2.0, 3.0, 6.0])
def test_mirror_descent_follows_its_course_in_small_steps(p):
    dataset, gaps = Dataset(3, 2, 2, 0, 0.7), []
    for parts in (100, 200):
        rate = mirror_bound(dataset, p) / parts
        norms = train(dataset, p, learning_rate=rate, steps=3 * parts).norms
        course = flows.rule_course(dataset, p, np.arange(3 * parts), rate)
        gaps.append(np.abs(norms.comp_to_comp[0] / np.sqrt(2) - course).max())
    assert gaps[1] < (0.03 if p < 4 else 0.12)
    assert gaps[1] < 0.8 * gaps[0]  # it vanishes with the step


def test_the_courses_of_gradient_descent_and_sign_descent():
    dataset, times = Dataset(3, 1, 2, 0, 0.7), np.linspace(0, 40, 9)
    rho = rule_weight(dataset, 2)
    exponential = rho * (1 - np.exp(-0.01 * dataset.P * times / rho))
    np.testing.assert_allclose(flows.rule_course(dataset, 2, times, 0.01), exponential, rtol=1e-12)
    rho = rule_weight(dataset, np.inf)
    trained = train(dataset, "sign", learning_rate=rho / 30, steps=40).weights[0]
    course = flows.rule_course(dataset, np.inf, np.arange(41), rho / 30)
    np.testing.assert_allclose(trained[0, 0, 0], course[40], atol=rho / 30)
    np.testing.assert_allclose(course[:31], np.arange(31) * rho / 30, atol=1e-12)


@few
@given(datasets(scales=(0.3, 3)), st.floats(0.005, 0.05))
def test_muon_keeps_the_coupling_and_takes_all_modes_at_one_pace(dataset, rate):
    history = train(dataset, "muon", learning_rate=rate, steps=80)
    m = theory.modes(dataset)
    expected = flows.muon_trajectory(m, np.arange(80), 0, rate, deep=False)
    present = m.multiplicity > 0
    np.testing.assert_allclose(history.strengths[0][:, present], expected[:, present], atol=1.01 * rate)
    coupling(dataset, history)


def coupling(dataset, history):
    if dataset.n_y:
        ratio = history.norms.noncomp_to_comp[0, 1:] / history.norms.comp_to_comp[0, 1:]
        np.testing.assert_allclose(ratio, np.sqrt(dataset.a / dataset.P), rtol=1e-6, atol=1e-9)


@few
@given(datasets(scales=(0.3, 3)), st.floats(0.005, 0.05))
def test_newton_schulz_keeps_the_coupling_too(dataset, rate):
    coupling(dataset, train(dataset, Muon(0.95, 5), learning_rate=rate, steps=30))


@few
@given(datasets(scales=(0.3, 3)))
def test_sgd_and_p_2_are_gradient_descent(dataset):
    rate = 0.3 * learning_rate_bound(dataset, "shallow")
    known = theory.modes(dataset)
    epochs = np.arange(30)[:, None]
    factor = (1 - rate * dataset.P * known.input_variance) ** epochs
    with np.errstate(invalid="ignore"):
        closed = known.asymptote * (1 - factor)
    for optimiser in ("sgd", 2, 2.0):
        found = train(dataset, optimiser, learning_rate=rate, steps=30).strengths[0]
        present = known.multiplicity > 0
        np.testing.assert_allclose(found[:, present], closed[:, present], atol=1e-10)


@pytest.mark.parametrize("architecture", ["deep", "split"])
@few
@given(datasets(largest=3, scales=(0.3, 3)))
def test_deep_sgd_is_the_training_of_the_other_chapters(architecture, dataset):
    rate = 0.2 * learning_rate_bound(dataset, architecture)
    options = dict(hidden=9, learning_rate=rate, init_std=0.05, seeds=[3, 5])
    ours = train(dataset, "sgd", architecture=architecture, steps=25, **options)
    theirs = training.train(dataset, architecture, epochs=25, **options)
    np.testing.assert_allclose(ours.norms.stack(), theirs.norms.stack(), atol=1e-10)
    np.testing.assert_allclose(ours.loss, theirs.loss, atol=1e-9)


@few
@given(datasets(largest=3, n_y=1, k_x=1, scales=(0.3, 3)), st.sampled_from(["sign", Adam(epsilon=0.0)]))
def test_a_deep_network_with_one_output_has_the_ratio_of_a_shallow_one(dataset, optimiser):
    dataset = Dataset(dataset.n_x, 1, dataset.k_x, 0, dataset.r)
    # the prediction is at most hidden·(εt)²·(1 + k_x r) = 0.7: before the targets are met no step turns round
    options = dict(architecture="deep", hidden=20, init_std=1e-9, learning_rate=1e-3, steps=60)
    norms = train(dataset, optimiser, **options).norms
    ratio = norms.noncomp_to_comp[0, -1] / norms.comp_to_comp[0, -1]
    assert ratio == pytest.approx(np.sqrt(dataset.k_x * dataset.P), rel=2e-3)


@some
@given(datasets(), generators)
def test_norms_are_those_of_the_map(dataset, rng):
    history = train(dataset, "adam", learning_rate=0.01, steps=5)
    after = train(dataset, "adam", learning_rate=0.01, steps=6)
    measured = block_norms(dataset, history.weights[0]).stack()
    np.testing.assert_allclose(after.norms.stack()[..., -1], measured, atol=1e-12)


@some
@given(st.integers(1, 6), generators)
def test_sums_by_halves(n_x, rng):
    omega = Dataset(n_x, 1).compositional_inputs
    values = rng.normal(size=(3, 2**n_x))
    np.testing.assert_allclose(single_features(values), values @ omega.T, atol=1e-12)
    exact = single_features(0.1 * omega)
    assert (exact[~np.eye(n_x, dtype=bool)] == 0).all()


@pytest.mark.parametrize(
    ("dataset", "p", "message"),
    [
        (Dataset(), 0.9, r"p = 0\.9 is not a number from 1 on"),
        (Dataset(), np.nan, r"p = nan is not"),
        (Dataset(r=8.0), 1, r"p = 1 and r = P = 8.*take another r"),
        (Dataset(n_y=0), 2, r"n_y = 0.*no compositional output"),
    ],
)
def test_what_has_no_rule_weight_says_why(dataset, p, message):
    with pytest.raises(ValueError, match=message):
        rule_weight(dataset, p)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flows.rule_course(Dataset(), 1, [1], 0.1), r"p = 1 is not above 1"),
        (lambda: flows.rule_course(Dataset(), 3, [-1], 0.1), r"times = .* none below 0"),
        (lambda: flows.rule_course(Dataset(), 3, [1], 0), r"learning rate = 0 is not"),
        (lambda: flows.rule_course(Dataset(n_y=0), 3, [1], 0.1), r"n_y = 0"),
        (lambda: flows.coupling_ratio(Dataset(), 0.5), r"p = 0\.5 is not a number from 1 on"),
        (
            lambda: flows.muon_trajectory(theory.modes(Dataset()), [1], -1, 0.1, True),
            r"initial = -1 is negative",
        ),
        (
            lambda: flows.muon_trajectory(theory.modes(Dataset()), [1], 0, -0.1, True),
            r"learning_rate = -0\.1",
        ),
    ],
)
def test_what_has_no_course_says_why(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("optimiser", "changes", "message"),
    [
        ("sdg", {}, r"optimiser = 'sdg' is unknown; choose one of sgd, sign, adam, muon"),
        (None, {}, r"optimiser = None is unknown"),
        (True, {}, r"optimiser = True is unknown"),
        (1, {}, r"p = 1: a mirror potential .* above 1"),
        (0.5, {}, r"p = 0\.5: a mirror"),
        (np.inf, {}, r"p = inf: a mirror.*'sign' for p → ∞"),
        ("sgd", {"learning_rate": -0.1}, r"learning_rate = -0\.1 is not finite and positive"),
        ("sgd", {"learning_rate": np.nan}, r"learning_rate = nan"),
        ("sgd", {"learning_rate": "0.1"}, r"learning_rate = '0\.1' is not finite and positive"),
        ("sgd", {"learning_rate": 3.0, "steps": 2000}, r"diverged at epoch .*below the bound"),
        (1.5, {"learning_rate": 3.0, "steps": 2000}, r"diverged .* below .* for the compositional outputs"),
        ("sign", {"steps": 0}, r"steps = 0 is not an integer from 1 on"),
        ("sign", {"seeds": []}, r"seeds is empty"),
        ("adam", {"hidden": 5}, r"hidden = 5, but a shallow network starts from zero weights"),
        ("adam", {"init_std": 0.1}, r"init_std = 0\.1, but a shallow network starts from zero"),
        ("adam", {"architecture": "deep", "hidden": 5}, r"init_std is missing: a deep network needs"),
        ("adam", {"architecture": "wide"}, r"architecture = 'wide' is unknown"),
    ],
)
def test_refusals(optimiser, changes, message):
    with pytest.raises(ValueError, match=message):
        train(Dataset(), optimiser, **({"learning_rate": 0.01, "steps": 3} | changes))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(1.0), r"momentum = 1\.0 is not a number from 0 to below 1"),
        (lambda: Adam(beta2=-0.1), r"beta2 = -0\.1"),
        (lambda: Adam(epsilon=-1), r"epsilon = -1 is not finite and at least 0"),
        (lambda: Muon(iterations=0), r"iterations = 0 is not an integer from 1 on"),
    ],
)
def test_constants_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_names_and_numbers():
    assert named("sign") == Sign()
    assert named(3) == Mirror(3)
    assert named(Adam(epsilon=0.1)) == Adam(epsilon=0.1)
