"""Proofs that a machine follows: closed forms put into their equations with symbols, and simplified to zero.

Every form stands here as it does in its chapter, in symbols for n_x, n_y, k_x, k_y, r and t; that lib computes the
same is tested beside it, on drawn datasets. What resists: the effective initial strength of finite steps (the
prediction chapter) and the start from random weights are statements about limits, not identities; the bounds on
ranks (hidden units, full rank) are combinatorial. Those are tested numerically, in their chapters' tests.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
import yaml
from sympy import Matrix, Rational, diff, exp, eye, limit, log, oo, sqrt, symbols

from lib.linear import theory
from lib.linear.datasets import Dataset

n_x, n_y, k_x, k_y, r, t, tau = symbols("n_x n_y k_x k_y r t tau", positive=True)
rate, start, size, pace, part = symbols("lambda pi_0 A delta f", positive=True)
P = 2**n_x
a, b = k_x * r**2, k_y * r**2
D = (P + a) * (P + b)
SINGULAR_VALUES = (sqrt(D) / P, sqrt((P + a) * b) / P, sqrt(a * b) / P)
VARIANCES = ((P + a) / P, (P + a) / P, a / P)
ASYMPTOTES = (sqrt((P + b) / (P + a)), sqrt(b / (P + a)), sqrt(b / a))
STRENGTHS = symbols("pi_1 pi_2 pi_3", positive=True)

DEEP = (rate / pace) / (1 - (1 - rate / (pace * start)) * exp(-2 * rate * t / tau))
SHALLOW = rate / pace * (1 - exp(-pace * t / tau)) + start * exp(-pace * t / tau)
DEEP_TIME = tau / (2 * rate) * log((rate / (pace * start) - 1) * part / (1 - part))
SHALLOW_TIME = tau / pace * log(1 / (1 - part))


def dense_norms(one, two, three):
    """The squared quadrant norms, in the order of lib's QuadrantNorms."""
    return (
        n_y * P**2 / D * one**2,
        n_y * P * a / D * one**2,
        n_y * P * b / D * one**2 + (n_x - n_y) * P / (P + a) * two**2,
        n_y * a * b / D * one**2 + (n_x - n_y) * a / (P + a) * two**2 + (P - n_x) * three**2,
    )


def split_norms(one, two, three):
    """The squared quadrant norms of the split network."""
    return (
        n_y * P / (P + a) * one**2,
        n_y * a / (P + a) * one**2,
        n_x * P / (P + a) * two**2,
        n_x * a / (P + a) * two**2 + (P - n_x) * three**2,
    )


def zero(expression) -> bool:
    """Whether an expression, or every entry of a matrix, is identically 0."""
    entries = list(expression) if isinstance(expression, sp.MatrixBase) else [expression]
    return all(sp.simplify(sp.expand(sp.powsimp(entry))) == 0 or entry.equals(0) for entry in entries)


# the course of learning


def test_the_sigmoid_solves_the_deep_flow():
    assert zero(tau * diff(DEEP, t) - 2 * DEEP * (rate - pace * DEEP))
    assert zero(DEEP.subs(t, 0) - start)
    assert zero(limit(DEEP.subs({tau: 1, rate: 2, pace: 3, start: Rational(1, 7)}), t, oo) - Rational(2, 3))


def test_the_exponential_solves_the_shallow_flow():
    assert zero(tau * diff(SHALLOW, t) - (rate - pace * SHALLOW))
    assert zero(SHALLOW.subs(t, 0) - start)


def test_a_wrong_rate_does_not_solve_the_flow():
    wrong = DEEP.subs(t, t / 2)
    assert not zero(tau * diff(wrong, t) - 2 * wrong * (rate - pace * wrong))
    assert not zero(tau * diff(SHALLOW, t) - (rate - 2 * pace * SHALLOW))


def test_learning_times_are_when_the_fraction_is_reached():
    assert zero(DEEP.subs(t, DEEP_TIME) - part * rate / pace)
    assert zero(SHALLOW.subs({start: 0, t: SHALLOW_TIME}) - part * rate / pace)


def test_finite_steps_have_the_flows_rest_points_and_these_slopes():
    w, c = symbols("w c", positive=True)
    step = w + c * w * (rate - w**2 * pace)
    rest = sqrt(rate / pace)
    assert zero(step.subs(w, rest) - rest)
    assert zero(diff(step, w).subs(w, rest) - (1 - 2 * c * rate))
    assert zero(diff(step, w).subs(w, 0) - (1 + c * rate))


def test_the_two_cycle_of_large_steps_and_where_it_is_stable():
    z, c = symbols("z c", positive=True)
    step = z + c * z * (1 - z**2)
    high, low = ((sqrt(1 + 3 / c) + sign * sqrt(1 - 1 / c)) / 2 for sign in (1, -1))
    assert zero(step.subs(z, high) - low)
    assert zero(step.subs(z, low) - high)
    slopes = sp.simplify(diff(step, z).subs(z, high) * diff(step, z).subs(z, low))
    assert zero(slopes.subs(c, 1) - 1)
    assert zero(sp.radsimp(slopes.subs(c, sqrt(5) - 1)) + 1)
    edge = sqrt(1 + 2 / c)
    assert zero(step.subs(z, edge) + edge)
    top = sqrt((1 + c) / (3 * c))  # where the step is steepest to neither side
    assert zero(diff(step, z).subs(z, top))
    squares = (step.subs(z, top) ** 2 - edge**2) * 27 * c
    assert zero(squares - (c - 2) * (2 * c + 5) ** 2)


# random starts


def test_the_part_along_taken_directions_does_not_grow():
    """A mode along a direction that class i has taken: the determinant is δ(λᵢ²/δᵢ − λ²/δ), and what that is."""
    weight, first, first_pace = symbols("w lambda_i delta_i", positive=True)
    flow = Matrix([[-pace * weight, rate], [rate, -first_pace * weight]])
    there = flow.det().subs(weight, first / first_pace)
    assert zero(there - pace * (first**2 / first_pace - rate**2 / pace))
    one, two, three = (
        value**2 / variance for value, variance in zip(SINGULAR_VALUES, VARIANCES, strict=True)
    )
    assert zero(VARIANCES[1] * (one - two) - (P + a) / P)
    assert zero(two - three)


def test_elsewhere_the_mean_of_both_layers_parts_grows_and_their_difference_decays():
    z_in, z_out = symbols("z_in z_out", positive=True)
    mean, gap = (z_in + z_out) / 2 * exp(rate * t / tau), (z_in - z_out) / 2 * exp(-rate * t / tau)
    assert zero(tau * diff(mean + gap, t) - rate * (mean - gap))
    assert zero(tau * diff(mean - gap, t) - rate * (mean + gap))


def test_two_modes_at_once_obey_the_flow_of_their_inner_products():
    """M⁻¹ of the proposition solves the linear equation that M's flow becomes, and starts at M(0)⁻¹."""
    second, x, y, z = symbols("lambda_j x y z", positive=True)
    values, begin = sp.diag(rate, second), Matrix([[x, z], [z, y]])
    fall = sp.diag(exp(-rate * t / tau), exp(-second * t / tau))
    inverse = fall * begin * fall + pace * values.inv() * (eye(2) - fall**2)
    assert zero(tau * inverse.diff(t) + values * inverse + inverse * values - 2 * pace * eye(2))
    assert zero(inverse.subs(t, 0) - begin)
    M = Matrix(2, 2, symbols("m_1 m_2 m_2 m_3"))
    change = values * M + M * values - 2 * pace * M**2  # τ dM/dt
    assert zero(-M.inv() * change * M.inv() + values * M.inv() + M.inv() * values - 2 * pace * eye(2))


def test_the_strengths_of_two_modes_at_once():
    B_i, B_j, end_i, end_j, cosine = symbols("B_i B_j pi_i pi_j c", positive=True)
    both = Matrix(
        [[B_i + 1 / end_i, -cosine * sqrt(B_i * B_j)], [-cosine * sqrt(B_i * B_j), B_j + 1 / end_j]]
    )
    shared = B_i * B_j * cosine**2
    assert zero(both.inv()[0, 0] - 1 / (B_i + 1 / end_i - shared / (B_j + 1 / end_j)))
    assert zero(both.inv()[1, 1] - 1 / (B_j + 1 / end_j - shared / (B_i + 1 / end_i)))


# modes and norms


@pytest.mark.parametrize(("features", "outputs", "copies"), [(1, 1, (1, 1)), (2, 1, (1, 2)), (2, 2, (2, 1))])
def test_the_singular_vectors_and_values_of_the_three_classes(features, outputs, copies):
    examples = 2**features
    omega = Matrix(features, examples, lambda i, p: 1 - 2 * (int(p) >> (features - 1 - int(i)) & 1))
    X = Matrix.vstack(omega, *[r * eye(examples)] * copies[0])
    Y = Matrix.vstack(omega[:outputs, :], *[r * eye(examples)] * copies[1])
    cross, inputs = Y * X.T / examples, X * X.T / examples
    values = {n_x: features, n_y: outputs, k_x: copies[0], k_y: copies[1]}
    parities = Matrix(examples, examples, lambda i, p: (-1) ** int(i & p).bit_count())
    classes = [2] * examples
    for i in range(features):
        classes[1 << (features - 1 - i)] = 0 if i < outputs else 1
    for pattern, kind in enumerate(classes):
        p = parities[pattern, :].T / sqrt(examples)
        v, u = X * p, Y * p
        v, u = v / sqrt((v.T * v)[0]), u / sqrt((u.T * u)[0])
        value, variance = (row[kind].subs(values) for row in (SINGULAR_VALUES, VARIANCES))
        assert zero(cross * v - value * u)
        assert zero(cross.T * u - value * v)
        assert zero(inputs * v - variance * v)


def test_asymptotes_are_singular_value_over_variance():
    for value, variance, end in zip(SINGULAR_VALUES, VARIANCES, ASYMPTOTES, strict=True):
        assert zero((value / variance) ** 2 - end**2)


def test_quadrant_norms_are_the_sums_over_the_modes():
    """A mode's map is π u vᵀ; the blocks of u and v have these squared lengths, and modes are orthogonal."""
    one, two, three = STRENGTHS
    left = ((P / (P + b), b / (P + b)), (0, 1), (0, 1))
    right = ((P / (P + a), a / (P + a)), (P / (P + a), a / (P + a)), (0, 1))
    counts = (n_y, n_x - n_y, P - n_x)
    for place, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        modes = zip(counts, STRENGTHS, left, right, strict=True)
        total = sum(count * s**2 * u[row] * v[column] for count, s, u, v in modes)
        assert zero(total - dense_norms(one, two, three)[place])
    assert zero(sum(dense_norms(*STRENGTHS)) - sum(n * s**2 for n, s in zip(counts, STRENGTHS, strict=True)))


def test_the_coupling_and_the_share_hold_for_every_strength():
    wanted, unwanted, *_ = dense_norms(*STRENGTHS)
    assert zero(unwanted / wanted - a / P)
    assert zero(wanted / (wanted + unwanted) - P / (P + a))


def two_features():
    """The patterns of two features, inputs of one copy of the names, and parities as columns."""
    omega = Matrix([[1, 1, -1, -1], [1, -1, 1, -1]])
    patterns = omega.col_join(Matrix([[1, 1, 1, 1], [1, -1, -1, 1]])).T / 2
    return omega, Matrix.vstack(omega, r * eye(4)), patterns


def test_what_lies_above_the_bound_is_made_of_class_three():
    """A row of any map in the span of the examples, in the basis of patterns."""
    _, X, patterns = two_features()
    coefficients = Matrix(symbols("c:4", real=True))
    row = (X * patterns * coefficients).T
    squares = lambda part: sum(entry**2 for entry in part)  # noqa: E731
    third = row * X * patterns[:, 2:] / r  # √a is r for one copy
    assert zero(squares(row[2:]) - r**2 / 4 * squares(row[:2]) - squares(third))
    assert not zero(squares(row[2:]) - r**2 / 4 * squares(row[:2]))


def test_a_rate_for_each_input_keeps_features_and_slows_class_three():
    omega, X, patterns = two_features()
    on_features, on_names = symbols("epsilon_Omega epsilon_Gamma", positive=True)
    update = X.T * sp.diag(*[on_features] * 2, *[on_names] * 4) * X
    assert zero(update * omega.T - (4 * on_features + on_names * r**2) * omega.T)
    assert zero(update * patterns[:, 2:] - on_names * r**2 * patterns[:, 2:])
    row = omega[0, :] * X.T * sp.diag(*[on_features] * 2, *[on_names] * 4)
    ratio = sum(entry**2 for entry in row[2:]) / sum(entry**2 for entry in row[:2])
    assert zero(ratio - (on_names / on_features) ** 2 * r**2 / 4)


def test_one_mode_under_every_rule():
    """What the terms of the rules make of a mode: Σ^x, Σ^yx, and the outputs' Gram matrix, on two features."""
    omega, X, patterns = two_features()
    Y = Matrix.vstack(omega[:1, :], r * eye(4))
    values = {n_x: 2, n_y: 1, k_x: 1, k_y: 1}
    for pattern, kind in enumerate((0, 1, 2, 2)):
        value, variance = (form[kind].subs(values) for form in (SINGULAR_VALUES, VARIANCES))
        v, u = (block * patterns[:, pattern] for block in (X, Y))
        v, u = v / sqrt((v.T * v)[0]), u / sqrt((u.T * u)[0])
        assert zero(X * X.T * v - 4 * variance * v)
        assert zero(Y * X.T * v - 4 * value * u)
        assert zero(Y * Y.T * u - 4 * value**2 / variance * u)


def test_the_slow_end_of_anti_hebbian_learning():
    """The quasi-balance of the proof: w from w', the course of w', and what is missing."""
    decay, step = symbols("eta epsilon", positive=True)
    end, pull = rate / pace, decay * P * pace
    second = sqrt(2 * end * sqrt(pull * t))
    first = end / second
    missing = pull * first / (step * P * second)  # from ε̄ w' f = |η| P δ w
    assert zero(sp.simplify(diff(second, t) - step * P * first * missing))
    stated = sqrt(decay / (P * pace * t)) / (2 * step)
    assert zero(sp.simplify(missing / pace - stated))


def test_the_distance_to_the_rule_is_least_at_the_asymptote():
    kappa, share = symbols("kappa s", positive=True)
    distance = 1 - 2 * kappa * sqrt(share) + kappa**2
    assert zero(diff(distance, kappa).subs(kappa, sqrt(share)))
    assert zero(distance.subs(kappa, sqrt(share)) - (1 - share))
    end = ASYMPTOTES[0] * sqrt(P / (P + b))
    assert zero(end**2 - P / (P + a))


def test_the_jump_is_class_ones_part_of_the_wrong_output():
    jump = n_y * b * P / (P + a) ** 2
    whole = dense_norms(*ASYMPTOTES)[2]
    assert zero(dense_norms(ASYMPTOTES[0], 0, 0)[2] - jump)
    assert zero(jump / whole - n_y / n_x)


def test_the_level_of_a_share_is_reached_at_this_many_examples():
    level, examples = symbols("l N", positive=True)
    assert zero((examples / (examples + a)).subs(examples, a * level / (1 - level)) - level)


# modules


def test_a_split_network_ends_where_the_dense_one_does():
    ends = (sqrt(P / (P + a)), sqrt(b / (P + a)), sqrt(b / a))
    for dense, split in zip(dense_norms(*ASYMPTOTES), split_norms(*ends), strict=True):
        assert zero(dense - split)


def test_each_module_is_a_dense_network_on_its_own_outputs():
    first = [norm.subs(k_y, 0) for norm in dense_norms(*STRENGTHS)]
    second = [norm.subs(n_y, 0) for norm in dense_norms(*STRENGTHS)]
    course = split_norms(*STRENGTHS)
    assert all(zero(x - y) for x, y in zip(first[:2] + second[2:], course, strict=True))
    assert zero(SINGULAR_VALUES[0].subs(k_y, 0) ** 2 - (P + a) / P)


def test_the_share_of_whole_copies_on_both_sides():
    wanted, *others = dense_norms(*ASYMPTOTES)
    stated = n_y * P**2 / (n_y * P * (P + a) + n_x * b * (P + a) + (P + a) ** 2 * (P - n_x) * b / a)
    assert zero(wanted / (wanted + sum(others)) - stated)


# training on some of the examples


def some_examples():
    """Two features on three examples with symbols for entries, and their Gram matrices."""
    omega = Matrix(2, 3, symbols("w:6", real=True))
    return omega, omega * omega.T, omega.T * omega + a * eye(3)


def test_identity_inputs_are_ridge_regression():
    """The smallest map that fits reads features by Ω_y K⁻¹ Ω_sᵀ with K = X_sᵀX_s: the ridge map."""
    omega, S, kernel = some_examples()
    weight = symbols("a", positive=True)
    kernel = kernel.subs(a, weight)
    ridge = (S + weight * eye(2)).inv()
    fits = omega * kernel.inv() * omega.T
    assert zero((fits - S * ridge).applyfunc(sp.cancel))
    names = omega * kernel.inv() * kernel.inv() * omega.T
    assert zero((names - S * ridge * ridge).applyfunc(sp.cancel))


def test_the_pull_of_the_names_and_the_balance_of_the_features():
    """One kept and one unkept feature on two examples: the steps of the stopping chapter's theorem on names."""
    omega = Matrix(2, 2, symbols("w:4", real=True))
    S = omega * omega.T
    scale, learned, weight, outputs = symbols("r phi a b", positive=True)
    T = S[0, 1] / S[0, 0]
    left = S[1, 1] - S[1, 0] * T
    rest = omega[1, :] - T * omega[0, :]
    unkept = learned * scale * rest.T / left
    kept = (scale * omega[0, :].T - unkept * S[1, 0]) / S[0, 0]
    missing = (scale * eye(2) - kept.row_join(unkept) * omega) * omega.T
    assert zero(
        (missing - Matrix.hstack(sp.zeros(2, 1), (1 - learned) * scale * rest.T)).applyfunc(sp.cancel)
    )
    pull = kept.T * missing / scale**2
    bump = learned * (1 - learned)
    assert zero((pull + Matrix([[0, T * bump]])).applyfunc(sp.cancel))
    missed = Matrix([[weight, outputs * T * bump]]) * S.inv()
    leak = (weight - outputs * bump) / left
    stated = Matrix([[weight / S[0, 0] + T * leak * T, -T * leak]])
    assert zero((missed - stated).applyfunc(sp.cancel))


def test_errors_on_the_examples_left_out():
    """Held-out patterns have the Gram matrix PI − S; along an eigenvector of S it and the map are numbers."""
    s, m, weight, total = symbols("s m a P", positive=True)
    share = s / (s + weight)
    assert zero((1 - share) ** 2 * (total - s) - (weight / (s + weight)) ** 2 * (total - s))
    best = (weight / (s + weight)) ** 2 * (total - s) / (total - m)
    assert zero(best.subs(s, m) - (weight / (m + weight)) ** 2)
    slope = sp.factor(diff((weight / (s + weight)) ** 2 * (total - s), s))
    assert slope.is_negative or zero(slope + weight**2 * (2 * total - s + weight) / (s + weight) ** 3)
    bend = diff(best, s, 2)  # positive for 0 ≤ s ≤ P, so that Jensen's inequality applies
    stated = 2 * weight**2 * (3 * (total + weight) - (s + weight)) / ((total - m) * (s + weight) ** 4)
    assert zero(sp.cancel(bend - stated))


# steps of finite size


def test_the_curvatures_of_two_modes_that_share_a_network():
    """At the balanced solution the Hessian has Pδ_β(π_α + π_β) for every pair of modes, and zeros."""
    first, second = (Matrix(2, 2, symbols(f"{name}:4", real=True)) for name in "vw")
    ends, variances = Matrix(symbols("p:2", positive=True)), symbols("d:2", positive=True)
    weight, x = symbols("P x", positive=True)
    product = second * first
    target = sp.diag(*(e * d for e, d in zip(ends, variances, strict=True)))
    loss = weight * ((product * sp.diag(*variances) * product.T).trace() / 2 - (target * product).trace())
    unknowns = [*first, *second]
    solution = dict.fromkeys(unknowns, 0)
    for layer in (first, second):
        solution |= {layer[i, i]: sqrt(ends[i]) for i in (0, 1)}
    assert all(zero(diff(loss, u).subs(solution)) for u in unknowns)
    found = (x * eye(8) - sp.hessian(loss, unknowns).subs(solution)).det(method="berkowitz")
    pairs = [weight * variances[j] * (ends[i] + ends[j]) for i in (0, 1) for j in (0, 1)]
    assert zero(found - x**4 * sp.prod(x - pair for pair in pairs))


def test_the_bound_of_class_one():
    assert zero((P * SINGULAR_VALUES[0]) ** 2 - D)
    assert zero(P * VARIANCES[0] * 2 * ASYMPTOTES[0] - 2 * P * SINGULAR_VALUES[0])


def test_the_bounds_of_the_modules():
    """Twice over Pδ(π + π') for class 1 alone, for classes 2 and 3 together, for class 2 where a = 0."""
    one = 2 / (P * VARIANCES[0] * 2 * sqrt(P / (P + a)))
    assert zero(one**2 - 1 / (P * (P + a)))
    both = P * VARIANCES[1] * (ASYMPTOTES[1] + ASYMPTOTES[2])
    assert zero(2 / both - 2 / ((P + a) * (sqrt(b / (P + a)) + sqrt(b / a))))
    alone = 2 / (P * VARIANCES[1] * 2 * ASYMPTOTES[1])
    assert zero((alone**2).subs(k_x, 0) - 1 / (P * b))


# geometry


def test_the_map_of_least_sum_of_powers():
    """Stationary in κ: κᵖ + k_xP((1 − κ)/(k_x r))ᵖ, with every identity weight at (1 − κ)/(k_x r)."""
    q, kappa = symbols("q kappa", positive=True)  # q = p − 1
    odds = (P / r) ** (1 / q) / (k_x * r)
    slope = kappa**q - P / r * ((1 - kappa) / (k_x * r)) ** q  # of the sum, divided by p
    power, other = symbols("p y", positive=True)
    whole = kappa**power + k_x * P * other**power
    along = diff(whole, kappa) - diff(whole, other) / (k_x * r)  # the constraint: dy = −dκ/(k_x r)
    assert zero((along / power).subs({power: q + 1, other: (1 - kappa) / (k_x * r)}) - slope)
    ratio = sp.expand_power_base(slope.subs(kappa, odds / (1 + odds)) * (1 + odds) ** q, force=True)
    assert zero(sp.simplify(sp.powsimp(ratio, force=True)))


def test_the_course_in_every_geometry():
    """Dual variables PF and rF; the share u of the way obeys d(u^c)/dt = εPρ^{−c}(1 − u), c = p − 1."""
    c, total, share = symbols("c F u", positive=True)
    own, name = (P * total) ** (1 / c), (r * total) ** (1 / c)
    kappa = 1 / (1 + k_x * r * (r / P) ** (1 / c))  # the rule's weight
    same = lambda left, right: zero(sp.simplify(sp.powsimp(sp.expand_power_base(left - right, force=True))))  # noqa: E731
    assert same(name / own, (r / P) ** (1 / c))
    assert same(k_x * r * name, own * (1 / kappa - 1))  # so the residual 1 − own − k_x r name is 1 − own/κ
    assert zero(sp.powsimp((P * total) - own**c))  # u^c = PF/κ^c, and F grows by ε(1 − u) a step
    k = symbols("k", integer=True, nonnegative=True)
    term = c / (c + k) * share ** (c + k)  # of t εP/κ^c, by powers of u
    assert zero(sp.simplify(diff(term, share) - c * share ** (c - 1) * share**k))
    geometric = sp.summation(part**k, (k, 0, oo)).args[0][0]
    assert zero(geometric - 1 / (1 - part))  # so dt/du · εP/κ^c = c u^{c−1}/(1 − u)
    coefficient = sp.rf(1, k) * sp.rf(c, k) / (sp.rf(c + 1, k) * sp.factorial(k))  # of F(1, c; c + 1; u)
    assert zero(sp.gammasimp(coefficient.rewrite(sp.gamma)) - c / (c + k))


def test_the_rule_s_weight_under_adam_is_the_integral_of_its_share():
    constant = symbols("epsilon_0", positive=True)
    own, name = P / (P * part + constant), r / (r * part + constant)  # paces, for the residual f
    steep = P * r * (1 + k_x * r) / (constant * (P + a))
    lifted = constant * k_x * (P - r) / (P * (1 + k_x * r) ** 2)
    antiderivative = part / (1 + k_x * r) + lifted * log(1 + steep * part)
    assert zero(diff(antiderivative, part) - own / (own + k_x * r * name))
    assert zero(antiderivative.subs(part, 0))


def test_the_optimum_under_a_penalty():
    """Pf = β_Ω w and rf = β_Γ w̄ with f = 1 − w − k_x r w̄; then the identity outputs' ridge regression."""
    on_rule, on_names = symbols("beta_Omega beta_Gamma", positive=True)
    residual = 1 / (1 + P / on_rule + a / on_names)
    rule, name = P * residual / on_rule, r * residual / on_names
    assert zero(1 - rule - k_x * r * name - residual)
    ratio = sqrt(k_x * P) * r * on_rule / (P * on_names)
    assert zero((sqrt(k_x * P) * name / rule) ** 2 - ratio**2)
    for weights, expected in (
        ((part, part), a / P),  # decay
        ((part * P, part * r**2), k_x * P / r**2),  # dropout of all inputs
    ):
        assert zero((ratio**2).subs(dict(zip((on_rule, on_names), weights))) - expected)
    assert limit(residual.subs(n_x, 3), on_rule, 0) == 0
    error = 1 - a / (a + on_names)  # of a pattern that only names can fit
    assert zero(error - on_names / (a + on_names))


def test_the_floor_of_weights_of_one_size():
    seen, largest = symbols("m mu", positive=True)
    bound = (P * (1 - largest) - seen * k_x * r * largest) / (P - seen)
    assert zero(bound.subs(largest, 1 / (1 + k_x * r)) - (1 - 1 / (1 + k_x * r)))


# lib computes these forms


@pytest.mark.parametrize("dataset", [Dataset(), Dataset(4, 2, 1, 3, 0.5), Dataset(2, 2, 2, 1, 3.0)], ids=str)
def test_lib_computes_what_was_proved(dataset):
    values = {n_x: dataset.n_x, n_y: dataset.n_y, k_x: dataset.k_x, k_y: dataset.k_y, r: dataset.r}
    m = theory.modes(dataset)
    number = lambda forms: np.array([float(form.subs(values)) for form in forms])  # noqa: E731
    np.testing.assert_allclose(m.singular_value, number(SINGULAR_VALUES), rtol=1e-12)
    np.testing.assert_allclose(m.input_variance, number(VARIANCES), rtol=1e-12)
    strengths = np.array([0.3, 0.2, 0.1])
    for squares, norms in (
        (dense_norms(*strengths), theory.quadrant_norms(dataset, strengths)),
        (split_norms(*strengths), theory.split_quadrant_norms(dataset, strengths)),
    ):
        there = [m.multiplicity[kind] > 0 for kind in range(3)]
        if all(there):
            np.testing.assert_allclose(norms.stack() ** 2, number(sp.sympify(s) for s in squares), rtol=1e-12)
    times, learning_rate = np.array([0.0, 7.0, 31.0]), 0.003
    flows = ((DEEP, theory.deep_trajectory), (SHALLOW, theory.shallow_trajectory))
    for form, computed in flows:
        found = computed(dataset, times, 1e-3, learning_rate)
        for kind in np.flatnonzero(m.multiplicity):
            fixed = {rate: m.singular_value[kind], pace: m.input_variance[kind], start: 1e-3}
            fixed[tau] = 1 / (dataset.P * learning_rate)
            np.testing.assert_allclose(found[:, kind], [float(form.subs(fixed | {t: x})) for x in times])


# what the pages say of it

PROVES = {  # theorem of a chapter: the tests that put its formulas into their equations
    "thm-trajectories": (test_the_sigmoid_solves_the_deep_flow, test_the_exponential_solves_the_shallow_flow),
    "cor-times": (test_learning_times_are_when_the_fraction_is_reached,),
    "prop-taken": (
        test_the_part_along_taken_directions_does_not_grow,
        test_elsewhere_the_mean_of_both_layers_parts_grows_and_their_difference_decays,
    ),
    "prop-left": (
        test_two_modes_at_once_obey_the_flow_of_their_inner_products,
        test_the_strengths_of_two_modes_at_once,
    ),
    "thm-svd": (
        test_asymptotes_are_singular_value_over_variance,
        test_the_singular_vectors_and_values_of_the_three_classes,
    ),
    "thm-quadrant-norms": (test_quadrant_norms_are_the_sums_over_the_modes,),
    "thm-coupling": (test_the_coupling_and_the_share_hold_for_every_strength,),
    "cor-early-stopping": (test_the_distance_to_the_rule_is_least_at_the_asymptote,),
    "thm-span-bound": (test_what_lies_above_the_bound_is_made_of_class_three,),
    "prop-input-rates": (test_a_rate_for_each_input_keeps_features_and_slows_class_three,),
    "thm-rule-modes": (test_one_mode_under_every_rule,),
    "prop-anti-hebbian": (test_the_slow_end_of_anti_hebbian_learning,),
    "prop-largest-step": (
        test_the_curvatures_of_two_modes_that_share_a_network,
        test_the_bound_of_class_one,
    ),
    "cor-split-step": (test_the_bounds_of_the_modules,),
    "prop-cubic": (
        test_finite_steps_have_the_flows_rest_points_and_these_slopes,
        test_the_two_cycle_of_large_steps_and_where_it_is_stable,
    ),
    "thm-held-out": (test_errors_on_the_examples_left_out,),
    "prop-jump": (test_the_jump_is_class_ones_part_of_the_wrong_output,),
    "prop-large-enough": (test_the_level_of_a_share_is_reached_at_this_many_examples,),
    "thm-same-end": (test_a_split_network_ends_where_the_dense_one_does,),
    "thm-split-course": (test_each_module_is_a_dense_network_on_its_own_outputs,),
    "prop-whole-copies": (test_the_share_of_whole_copies_on_both_sides,),
    "thm-ridge": (test_identity_inputs_are_ridge_regression,),
    "thm-names": (test_the_pull_of_the_names_and_the_balance_of_the_features,),
    "prop-test-error": (test_errors_on_the_examples_left_out,),
    "thm-geometries": (test_the_map_of_least_sum_of_powers,),
    "thm-course": (test_the_course_in_every_geometry,),
    "prop-epsilon": (test_the_rule_s_weight_under_adam_is_the_integral_of_its_share,),
    "thm-one-size": (test_the_floor_of_weights_of_one_size,),
    "prop-remedies": (test_the_optimum_under_a_penalty,),
}


def test_the_theorems_marked_on_the_pages_are_those_proved_here():
    marked = set()
    for path in sorted((Path(__file__).resolve().parents[1] / "chapters").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        marked |= set(re.findall(r":label: (\S+)\n:class: symbolic\n", text))
    assert marked == set(PROVES)
    assert all(tests for tests in PROVES.values())


def test_every_expected_number_that_says_so_is_proved_here():
    """An entry of the kind "symbolic proof" names the tests of this file that prove it."""
    found = 0
    for path in sorted((Path(__file__).resolve().parent / "expected").glob("*.yml")):
        for name, entry in yaml.safe_load(path.read_text(encoding="utf-8"))["numbers"].items():
            if entry.get("kind") == "symbolic proof":
                named = re.findall(r"\btest_\w+", entry["source"])
                assert named, (path.stem, name)
                assert all(callable(globals().get(test)) for test in named), (path.stem, name)
                found += 1
    assert found >= 10
