"""The subnetworks chapter: what the output blocks of a linear network read of its hidden layer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.linear import prediction, stability, theory
from lib.linear.datasets import Dataset
from lib.linear.training import train
from lib.linear.weights import aligned_weights, initial_strengths, initial_weights
from lib.subnetworks.linear import join, rotate
from lib.subnetworks.readouts import dense_shared_share, read_angles, read_directions, shared_share
from tests.spaces import datasets, generators

some = settings(deadline=None, max_examples=40)
both_blocks = datasets(largest=3, n_y=1, k_x=1, k_y=1)


def aligned(dataset, architecture, strengths, rng=None):
    """Aligned weights of a deep network or a joined split one, in a random basis of the hidden layer."""
    weights = aligned_weights(dataset, architecture, strengths, hidden=dataset.P + 1)
    weights = join(weights) if architecture == "split" else weights
    weights = rotate(weights, rng) if rng else weights
    return weights[0][0], weights[1][0]


@some
@given(both_blocks, generators)
def test_dense_blocks_share_every_compositional_direction_and_split_ones_none(dataset, rng):
    n_y, strengths = dataset.n_y, rng.uniform(0.1, 2, 3)
    _, dense = aligned(dataset, "deep", strengths, rng)
    angles = read_angles(dense[:n_y], dense[n_y:], least=1e-6)
    np.testing.assert_allclose(angles, np.zeros(n_y), atol=1e-5)
    _, split = aligned(dataset, "split", strengths, rng)
    np.testing.assert_allclose(read_angles(split[:n_y], split[n_y:]), np.full(n_y, 90))


@some
@given(both_blocks, generators)
def test_in_the_input_both_architectures_share_what_the_compositional_block_reads(dataset, rng):
    """The structure is in the hidden layer: as maps of the input, the split network's blocks coincide as well."""
    n_y, strengths = dataset.n_y, rng.uniform(0.1, 2, 3)
    for architecture in ("deep", "split"):
        W1, W2 = aligned(dataset, architecture, strengths, rng)
        angles = read_angles((W2 @ W1)[:n_y], (W2 @ W1)[n_y:], least=1e-6)
        np.testing.assert_allclose(angles, np.zeros(n_y), atol=1e-5)


@some
@given(both_blocks, generators)
def test_shared_share_in_closed_form(dataset, rng):
    n_y, strengths = dataset.n_y, rng.uniform(0.1, 2, 3)
    _, W2 = aligned(dataset, "deep", strengths, rng)
    found = shared_share(W2[n_y:], W2[:n_y])
    closed = dense_shared_share(dataset, strengths)
    assert found == pytest.approx(closed, rel=1e-9)
    assert shared_share(W2[:n_y], W2[n_y:]) == pytest.approx(1) or dataset.b < 0.01 * dataset.P
    if theory.modes(dataset).multiplicity[1:].any():  # the falsification: another strength of class 1
        assert found != pytest.approx(dense_shared_share(dataset, strengths * [1.1, 1, 1]), rel=1e-4)


def test_the_share_over_training_is_the_predicted_one():
    dataset, rate = Dataset(), 0.02
    weights = initial_weights(dataset, "deep", hidden=50, init_std=1e-5, seeds=1)
    start = initial_strengths(dataset, weights)
    course = prediction.deep_steps(dataset, 400, start, rate)[:, 0]
    options = dict(hidden=50, learning_rate=rate, epochs=40, init_std=1, seeds=1)
    for epoch in range(0, 360, 40):
        W2 = weights[1][0]
        predicted = dense_shared_share(dataset, np.nanmean(course[epoch], axis=0))
        if epoch >= 80:
            assert shared_share(W2[1:], W2[:1]) == pytest.approx(predicted, abs=0.02)
        weights = train(dataset, "deep", weights=weights, **options).weights


def balanced(W, rng, hidden=7):
    """Balanced weights of the map W, in a random basis of the hidden layer."""
    U, s, Vt = np.linalg.svd(W, full_matrices=False)
    basis = np.linalg.qr(rng.normal(size=(hidden, hidden)))[0][:, : len(s)]
    return basis * np.sqrt(s) @ Vt, U * np.sqrt(s) @ basis.T


@some
@given(st.integers(1, 3), st.integers(1, 3), st.integers(2, 6), generators)
def test_a_balanced_network_reads_as_its_map_says(first, second, inputs, rng):
    W = rng.normal(size=(first + second, inputs))
    W1, W2 = balanced(W, rng)
    np.testing.assert_allclose(W2 @ W1, W, atol=1e-12)
    np.testing.assert_allclose(W1 @ W1.T, W2.T @ W2, atol=1e-12)
    gram = W2 @ W2.T  # the square root of WWᵀ: its square is WWᵀ, and no eigenvalue is negative
    np.testing.assert_allclose(gram @ gram, W @ W.T, atol=1e-12)
    assert np.abs(gram[:first, first:]).max() > 1e-9


@some
@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), generators)
def test_a_balanced_network_is_divided_where_its_blocks_read_orthogonal_inputs(first, second, more, rng):
    inputs = first + second + more
    basis = np.linalg.qr(rng.normal(size=(inputs, inputs)))[0]
    W = np.vstack(
        [
            rng.normal(size=(first, first)) @ basis[:first],
            rng.normal(size=(second, second)) @ basis[first : first + second],
        ]
    )
    _, W2 = balanced(W, rng)
    np.testing.assert_allclose(W2[:first] @ W2[first:].T, 0, atol=1e-9)
    sheared = W2 @ np.linalg.inv(np.eye(7) + 0.5 * rng.normal(size=(7, 7)))  # the same map, not balanced
    assert np.abs(sheared[:first] @ sheared[first:].T).max() > 1e-6


@some
@given(both_blocks)
def test_sharing_costs_less_weight(dataset):
    """‖W₁‖² + ‖W₂‖² at the end: the split network's is larger by 2n_y(√P + √b − √(P+b))/√(P+a)."""
    P, a, b = dataset.P, dataset.a, dataset.b
    cost = {}
    for architecture, modes in (("deep", theory.modes), ("split", theory.split_modes)):
        weights = aligned(dataset, architecture, np.nan_to_num(modes(dataset).asymptote))
        cost[architecture] = sum((W**2).sum() for W in weights)
    nuclear = np.linalg.svd(dataset.Y @ np.linalg.pinv(dataset.X), compute_uv=False).sum()
    assert cost["deep"] == pytest.approx(2 * nuclear)
    more = 2 * dataset.n_y * (np.sqrt(P) + np.sqrt(b) - np.sqrt(P + b)) / np.sqrt(P + a)
    assert cost["split"] - cost["deep"] == pytest.approx(more)
    assert more > 0


def test_small_directions_are_those_below_the_threshold():
    readout = np.diag([1.0, 0.1, 0.01])
    assert read_directions(readout).shape == (3, 2)
    assert read_directions(readout, least=0.001).shape == (3, 3)
    with pytest.raises(ValueError, match="reads nothing"):
        read_directions(np.zeros((2, 3)))


def test_angles_between_planes():
    tilted = np.array([[1.0, 0, 0, 0], [0, np.cos(0.3), np.sin(0.3), 0]])
    np.testing.assert_allclose(read_angles(np.eye(2, 4), tilted), np.degrees([0.3, 0]), atol=1e-6)


def test_training_goes_on_from_its_weights():
    dataset = Dataset()
    options = dict(hidden=5, learning_rate=0.02, init_std=0.1, seeds=2)
    for architecture in ("deep", "split", "shallow"):
        options["learning_rate"] = 0.01 if architecture == "shallow" else 0.02
        whole = train(dataset, architecture, epochs=30, **options)
        half = train(dataset, architecture, epochs=15, **options)
        rest = train(dataset, architecture, epochs=15, weights=half.weights, **options)
        np.testing.assert_array_equal(rest.loss, whole.loss[:, 15:])


@settings(deadline=None, max_examples=10)
@given(both_blocks, generators)
def test_a_rotation_of_the_hidden_layer_goes_through_training(dataset, rng):
    start = initial_weights(dataset, "deep", hidden=6, init_std=0.1, seeds=[1])
    Q = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    options = dict(hidden=6, init_std=1, seeds=1, epochs=50)
    options["learning_rate"] = stability.learning_rate_bound(dataset, "deep") / 4
    one = train(dataset, "deep", weights=start, **options)
    other = train(dataset, "deep", weights=(Q @ start[0], start[1] @ Q.T), **options)
    np.testing.assert_allclose(other.loss, one.loss, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(other.weights[0], Q @ one.weights[0], atol=1e-9)
    sheared = np.eye(6) + 0.5 * np.eye(6, k=1)  # no rotation: same function at first, another course
    third = (sheared @ start[0], start[1] @ np.linalg.inv(sheared))
    third = train(dataset, "deep", weights=third, **options)
    assert not np.allclose(third.loss, one.loss, rtol=1e-4, atol=1e-6)
