"""The learning rules: the structured step against a dense one, the theorems of their chapter, and errors."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lib.linear import theory
from lib.linear.datasets import Dataset
from lib.linear.learning_rules import RULES, LearningRule, growth, initial_amplitudes, rule_steps
from lib.linear.training import train
from lib.linear.weights import initial_weights
from tests.spaces import class_means, datasets, least_squares, quadrants

OTHERS = [name for name in RULES if name != "gradient_descent"]
every_rule = pytest.mark.parametrize("name", RULES)
modest = settings(deadline=None, max_examples=15)


small = dict(largest=3, most_k=2, scales=(0.3, 1.5))


def safe_rate(dataset):
    """A learning rate small enough for the contrastive term, whose strength grows with P."""
    return 0.2 / (dataset.P * (dataset.P + dataset.b) * (1 + dataset.a))


def dense_update(dataset, W1, W2, rule, learning_rate):
    """One update of one network, with X, Y and Ŷ written out."""
    X, Y = dataset.X, dataset.Y
    H = W1 @ X
    prediction = W2 @ H
    change1 = learning_rate * W2.T @ (Y - prediction) @ X.T
    change1 += rule.hebbian * H @ (X.T - H.T @ W1)
    change1 += rule.anti_hebbian * np.diag(1 / (1 - (W1**2).sum(axis=1))) @ H @ X.T
    difference = Y @ Y.T - prediction @ prediction.T
    change2 = learning_rate * ((Y - prediction) @ H.T + dataset.P * rule.contrast * difference @ W2)
    return W1 + change1, W2 + change2


def dense_course(dataset, weights, rule, learning_rate, epochs):
    """Loss, class strengths and ‖Ω_x→Ω_y‖ of one network over training, the dense way."""
    W1, W2 = weights
    course = []
    for _ in range(epochs):
        W = W2 @ W1
        loss = ((dataset.Y - W @ dataset.X) ** 2).sum() / 2
        course.append((loss, class_means(dataset, W), quadrants(dataset, W)[0]))
        W1, W2 = dense_update(dataset, W1, W2, rule, learning_rate)
    return [np.array(values) for values in zip(*course)]


@every_rule
@modest
@given(dataset=datasets(**small), seed=st.integers(0, 99))
def test_the_structured_step_is_the_dense_one(name, dataset, seed):
    settings_ = dict(hidden=5, init_std=0.1, seeds=[seed])
    rate, weights = safe_rate(dataset), initial_weights(dataset, "deep", **settings_)
    history = train(dataset, "deep", rule=name, learning_rate=rate, epochs=12, weights=weights, **settings_)
    loss, strengths, norm = dense_course(dataset, [w[0] for w in weights], RULES[name], rate, 12)
    np.testing.assert_allclose(history.loss[0], loss, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(history.strengths[0], strengths, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(history.norms.comp_to_comp[0], norm, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", OTHERS)
def test_that_comparison_sees_a_wrong_constant(name):
    dataset = Dataset()
    settings_ = dict(hidden=5, init_std=0.1, seeds=[0])
    weights = initial_weights(dataset, "deep", **settings_)
    history = train(dataset, "deep", rule=name, learning_rate=1e-3, epochs=12, weights=weights, **settings_)
    constants = {key: 1.001 * value for key, value in vars(RULES[name]).items()}
    loss, *_ = dense_course(dataset, [w[0] for w in weights], LearningRule(**constants), 1e-3, 12)
    assert np.abs(history.loss[0] - loss).max() > 1e-9


def aligned_weights(dataset, hidden, start):
    """Weights aligned with the modes, every mode on a hidden unit of its own; start: (modes, 2)."""
    U, V, kind = theory.singular_vectors(dataset)
    W1, W2 = np.zeros((hidden, dataset.inputs)), np.zeros((dataset.outputs, hidden))
    for i in range(kind.size):
        W1[i], W2[:, i] = start[i, 0] * V[:, i], start[i, 1] * U[:, i]
    return (W1[None], W2[None]), kind


@every_rule
@modest
@given(dataset=datasets(least_k=1, **small), seed=st.integers(0, 99))
def test_an_aligned_network_keeps_the_ratio_exactly_and_follows_the_recursion(name, dataset, seed):
    modes = theory.modes(dataset)
    count = modes.multiplicity.sum()
    start = np.random.default_rng(seed).uniform(0.02, 0.2, (count, 2))
    weights, kind = aligned_weights(dataset, count, start)
    rate = safe_rate(dataset)
    history = train(
        dataset, "deep", rule=name, hidden=count, learning_rate=rate, epochs=150, init_std=1, seeds=1,
        weights=weights,
    )  # fmt: skip
    ratio = np.sqrt(dataset.a / dataset.P)
    np.testing.assert_allclose(
        history.norms.noncomp_to_comp, ratio * history.norms.comp_to_comp, rtol=0, atol=1e-12
    )
    if name != "anti_hebbian":  # there the recursion takes the mean row norm
        by_class = np.full((modes.multiplicity.max(), 3, 2), np.nan)
        for c in range(3):
            by_class[: modes.multiplicity[c], c] = start[kind == c + 1]
        course = rule_steps(dataset, RULES[name], 150, by_class, rate, count)
        np.testing.assert_allclose(history.strengths[0], course, rtol=1e-9, atol=1e-12)


def test_a_network_out_of_alignment_does_not_keep_the_ratio():
    dataset = Dataset()
    weights, _ = aligned_weights(dataset, 8, np.full((8, 2), 0.1))
    weights[0][0, 0, 0] += 0.01
    history = train(
        dataset, "deep", hidden=8, learning_rate=0.01, epochs=150, init_std=1, seeds=1, weights=weights
    )
    ratio = np.sqrt(dataset.a / dataset.P)
    gap = np.abs(history.norms.noncomp_to_comp - ratio * history.norms.comp_to_comp)
    assert gap.max() > 1e-6


def outside(dataset):
    """The projection of the input space onto the complement of the span of the examples."""
    return np.eye(dataset.inputs) - dataset.X @ np.linalg.pinv(dataset.X)


@every_rule
@modest
@given(dataset=datasets(least_k=1, **small), seed=st.integers(0, 99))
def test_only_the_hebbian_rule_touches_weights_outside_the_span_of_the_examples(name, dataset, seed):
    weights = initial_weights(dataset, "deep", hidden=4, init_std=0.1, seeds=[seed])  # from 0.2 some diverge
    W1, W2 = (w[0] for w in weights)
    null, rule = outside(dataset), RULES[name]
    for _ in range(20):
        before = W1 @ null
        factor = np.eye(4) - rule.hebbian * (W1 @ dataset.X) @ (W1 @ dataset.X).T
        W1, W2 = dense_update(dataset, W1, W2, rule, safe_rate(dataset))
        np.testing.assert_allclose(W1 @ null, factor @ before, atol=1e-12)
    if name == "hebbian":
        assert np.linalg.norm(W1 @ null) < np.linalg.norm(weights[0][0] @ null)


@modest
@given(dataset=datasets(**small), seed=st.integers(0, 99))
def test_every_map_that_fits_the_data_from_their_span_has_the_ratio(dataset, seed):
    assume(dataset.k_x > 0 and dataset.n_y > 0)
    rng = np.random.default_rng(seed)
    solution = least_squares(dataset)
    comp, noncomp = (
        np.linalg.norm(block) for block in np.split(solution[: dataset.n_y], [dataset.n_x], axis=1)
    )
    assert abs(noncomp / comp - np.sqrt(dataset.a / dataset.P)) < 1e-9
    other = solution + rng.normal(0, 0.1, solution.shape) @ outside(dataset)  # fits, but leaves the span
    np.testing.assert_allclose(other @ dataset.X, dataset.Y, atol=1e-9)
    comp, noncomp = (np.linalg.norm(block) for block in np.split(other[: dataset.n_y], [dataset.n_x], axis=1))
    assert abs(noncomp / comp - np.sqrt(dataset.a / dataset.P)) > 1e-9


@every_rule
@modest
@given(dataset=datasets(**small))
def test_growth_is_an_eigenvector_of_the_linearised_step(name, dataset):
    rule, rate, modes = RULES[name], safe_rate(dataset), theory.modes(dataset)
    mu, direction = growth(dataset, rule, rate)
    tiny = 1e-6
    for c in np.flatnonzero(modes.multiplicity):
        start = np.full((1, 3, 2), np.nan)
        start[0, c] = tiny * direction[c]
        course = rule_steps(dataset, rule, 3, start, rate, 50)[:, c] * modes.multiplicity[c]
        np.testing.assert_allclose(course[1:] / course[:-1], (1 + mu[c]) ** 2, rtol=1e-6)
    assert mu[modes.multiplicity > 0].min() > 0 or name == "anti_hebbian"


def test_gradient_descent_grows_at_the_rate_of_chapter_3():
    dataset = Dataset()
    mu, direction = growth(dataset, RULES["gradient_descent"], 0.01)
    np.testing.assert_allclose(mu, 0.08 * theory.modes(dataset).singular_value)
    np.testing.assert_allclose(direction, np.sqrt(0.5))


def test_the_parameter_free_course_foretells_random_networks():
    dataset, settings_ = Dataset(), dict(hidden=50, init_std=2e-4, seeds=2)
    weights = initial_weights(dataset, "deep", **settings_)
    rules = (
        ("contrastive_hebbian", 0.005, 300, 0.02),
        ("hebbian", 0.01, 700, 3e-4),
        ("predictive_coding", 0.01, 1200, 6e-3),
    )
    for name, rate, epochs, most in rules:
        history = train(
            dataset, "deep", rule=name, learning_rate=rate, epochs=epochs, weights=weights, **settings_
        )
        start = initial_amplitudes(dataset, RULES[name], weights, rate)
        course = rule_steps(dataset, RULES[name], epochs, start, rate, 50).swapaxes(0, 1)
        assert np.abs(history.strengths - course).max() < most
        late = np.roll(course, 10, axis=1)[:, 10:]  # ten epochs late is a visible error
        assert np.abs(history.strengths[:, 10:] - late).max() > 2 * most


def test_a_rule_needs_the_deep_architecture():
    for architecture in ("shallow", "split"):
        with pytest.raises(ValueError, match="choose 'deep'"):
            train(
                Dataset(), architecture, rule="hebbian", hidden=4, learning_rate=0.001, epochs=2,
                init_std=0.1, seeds=1,
            )  # fmt: skip


def test_errors_name_what_is_wrong():
    options = dict(hidden=4, learning_rate=0.001, epochs=5, seeds=1)
    with pytest.raises(ValueError, match=r"'oja'.*hebbian"):
        train(Dataset(), "deep", rule="oja", init_std=0.1, **options)
    with pytest.raises(ValueError, match="below 1"):
        train(Dataset(), "deep", rule="anti_hebbian", init_std=0.5, **options)
    with pytest.raises(ValueError, match="diverged at epoch"):
        train(Dataset(), "deep", rule=LearningRule(contrast=1e4), init_std=0.5, **options | {"epochs": 50})
    with pytest.raises(ValueError, match="contrast = nan"):
        LearningRule(contrast=np.nan)


def test_the_constants_of_a_rule_can_be_bent():
    options = dict(hidden=4, learning_rate=0.001, epochs=50, init_std=0.1, seeds=1)
    named = train(Dataset(), "deep", rule="contrastive_hebbian", **options)
    bent = train(Dataset(), "deep", rule=LearningRule(contrast=2.0), **options)
    zero = train(Dataset(), "deep", rule=LearningRule(), **options)
    assert (bent.strengths[0, -1, 0] > named.strengths[0, -1, 0]).all()
    np.testing.assert_array_equal(zero.loss, train(Dataset(), "deep", **options).loss)


def squared_blocks(dataset, rows):
    """‖·‖² from Ω_x, from Γ_x, and along the class-3 inputs, which exist whatever the outputs are."""
    _, V, kind = theory.singular_vectors(Dataset(dataset.n_x, dataset.n_y, dataset.k_x, 1, dataset.r))
    parts = (rows[:, : dataset.n_x], rows[:, dataset.n_x :], rows @ V[:, kind == 3])
    return [np.linalg.norm(part) ** 2 for part in parts]


@modest
@given(dataset=datasets(**small), seed=st.integers(0, 99))
def test_no_map_from_the_span_of_the_inputs_is_below_the_coupling(dataset, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(3, dataset.P)) @ dataset.X.T
    comp, noncomp, third = squared_blocks(dataset, rows)
    bound = dataset.a / dataset.P * comp
    assert abs(noncomp - bound - third) < 1e-9 * (1 + noncomp)
    assert noncomp >= bound - 1e-9
    if dataset.k_x > 0:  # a map from outside the span is not held by the bound
        rows[:, dataset.n_x :] = 0
        comp, noncomp, _ = squared_blocks(dataset, rows)
        assert noncomp < dataset.a / dataset.P * comp


@modest
@given(dataset=datasets(least_k=1, **small), seed=st.integers(0, 99))
def test_updates_built_from_inputs_keep_the_bound_whatever_else_they_do(dataset, seed):
    assume(dataset.n_y > 0)
    rng = np.random.default_rng(seed)
    W1 = np.zeros((4, dataset.inputs))
    for _ in range(10):  # any rule: arbitrary A and B
        W1 = W1 + rng.normal(size=(4, dataset.P)) @ dataset.X.T + rng.normal(size=(4, 4)) @ W1
        W2 = rng.normal(size=(dataset.n_y, 4))
        comp, noncomp, _ = squared_blocks(dataset, W2 @ W1)
        assert noncomp >= dataset.a / dataset.P * comp * (1 - 1e-9)


def test_anti_hebbian_learning_nears_its_goal_as_one_over_the_root_of_time():
    dataset, rate = Dataset(), 0.01
    modes = theory.modes(dataset)
    course = rule_steps(dataset, RULES["anti_hebbian"], 12_000, np.full((1, 3, 2), 0.05), rate, 50)
    short = modes.asymptote - course * modes.multiplicity
    early, late = short[1_500], short[6_000]
    np.testing.assert_allclose(late / early, 0.5, rtol=0.1)
    expected = np.sqrt(0.001 / (dataset.P * modes.input_variance * 6_000)) / (2 * rate)
    np.testing.assert_allclose(late, expected, rtol=0.1)
    assert (np.abs(late / expected - np.sqrt(2)) > 0.2).all()
    # Class 1 becomes unstable, its steps change sign each time, about when the chapter says.
    c = 0.001 * dataset.P * modes.input_variance[0]
    unstable = int(1 / (c * (rate * dataset.P * modes.singular_value[0]) ** 2))
    steps = np.diff(course[:, 0])
    turns = (steps[1:] * steps[:-1] < 0) & (np.abs(steps[1:]) > 1e-5)
    assert not turns[300 : int(0.95 * unstable)].any()
    assert turns[: int(1.2 * unstable)].any()


def test_contrastive_learning_is_stable_below_its_bound_only():
    """Exercise: the slope of the contrastive step at its end needs ε < 1/(P(P + b)), close to it for a large γ."""
    dataset = Dataset(n_x=4, n_y=2)
    options = dict(hidden=20, epochs=120, init_std=1e-3, seeds=1, rule="contrastive_hebbian")
    bound = 1 / (dataset.P * (dataset.P + dataset.b))
    assert np.isfinite(train(dataset, "deep", learning_rate=0.8 * bound, **options).loss).all()
    with pytest.raises(ValueError, match="diverged"):
        train(dataset, "deep", learning_rate=1.5 * bound, **options)
