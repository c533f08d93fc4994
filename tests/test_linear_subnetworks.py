"""Masks over linear networks, exact and found, and what a rotation of the hidden layer does to them."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.linear import theory
from lib.linear.weights import aligned_weights
from lib.subnetworks.linear import block_error, block_masks, join, least_exact_mask, plant, rotate
from lib.subnetworks.overlap import precision_and_recall
from lib.subnetworks.sparsification import Sparsification
from tests.spaces import datasets, generators

some = settings(deadline=None, max_examples=15)
quick = Sparsification(penalty=1e-4, steps=400)
both_blocks = datasets(largest=2, n_y=1, k_x=1, k_y=1, scales=(0.5, 2))


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def jaccard(masks):
    return (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()


def exact_overlap(dataset, weights):
    rows = np.arange(dataset.outputs) < dataset.n_y
    return jaccard([least_exact_mask(weights[0][0], weights[1][0], r) for r in (rows, ~rows)])


def solved(dataset, architecture):
    modes = theory.split_modes if architecture == "split" else theory.modes
    strengths = np.nan_to_num(modes(dataset).asymptote)
    weights = aligned_weights(dataset, architecture, strengths, hidden=dataset.P)
    return join(weights) if architecture == "split" else weights


@some
@given(both_blocks, generators)
def test_the_overlap_of_exact_masks_follows_the_rotation_and_not_the_function(dataset, rng):
    n_x, n_y, units = dataset.n_x, dataset.n_y, dataset.k_x * dataset.P
    dense, split = solved(dataset, "deep"), solved(dataset, "split")
    whole_columns = (n_y + units) / (n_x + units)
    used = (1 + units) * np.array([n_y, n_x]) + np.array([0, (dataset.P - n_x) * units])
    assert exact_overlap(dataset, dense) == pytest.approx(used[0] / used[1])
    assert exact_overlap(dataset, split) == 0
    assert exact_overlap(dataset, rotate(dense, rng)) == pytest.approx(whole_columns)
    assert exact_overlap(dataset, rotate(split, rng)) == pytest.approx(whole_columns)


@some
@given(st.integers(2, 6), st.integers(1, 3), generators, st.booleans())
def test_after_a_random_rotation_no_part_of_a_column_can_be_spared(hidden, outputs, rng, orthogonal):
    W1, W2 = rng.normal(size=(1, hidden, 1)), rng.normal(size=(1, outputs, hidden))
    if orthogonal:  # the entry of the map is 0, and so the whole column can go, but no part of it
        W2 -= (W2 @ W1) * W1.mT / (W1**2).sum()
    rows = np.full(outputs, True)
    W1, W2 = rotate((W1, W2), rng)
    mask = least_exact_mask(W1[0], W2[0], rows)
    assert mask.all() or (not mask.any() and (orthogonal and hidden >= 2))
    assert mask.any() != (orthogonal and hidden >= 2)


def test_without_the_rotation_parts_of_columns_can_be_spared():
    planted = plant([0, 1], [1, 2], hidden=5, inputs=3, outputs=2, rng=np.random.default_rng(0))
    for rows, truth in zip(planted.rows, planted.truth):
        found = least_exact_mask(planted.W1[0], planted.W2[0], rows)
        np.testing.assert_array_equal(found, truth[0])


@pytest.mark.parametrize(
    ("second", "shared"), [([3, 4, 5], 0), ([2, 3, 4], 0.2), ([0, 1, 2], 1)], ids=["none", "some", "all"]
)
def test_planted_subroutines_are_found(second, shared):
    rng = np.random.default_rng(3)
    planted = plant([0, 1, 2], second, hidden=9, inputs=6, outputs=4, rng=rng)
    X = rng.normal(size=(6, 60))
    Y = (planted.W2 @ planted.W1 @ X)[0]
    found = np.array([block_masks(planted.W1, planted.W2, X, Y, rows, quick)[0] for rows in planted.rows])
    scores = [precision_and_recall(f, t) for f, t in zip(found, planted.truth)]
    assert np.min(scores) > 0.9
    assert jaccard(found) == pytest.approx(shared, abs=0.06)
    swapped = [precision_and_recall(f, t) for f, t in zip(found, planted.truth[::-1])]
    assert (np.max(swapped) < 0.75) == (shared < 1)
    moved = np.roll(planted.truth, 4, axis=2)  # the truth of other units: the comparison must fail
    assert np.max([precision_and_recall(f, t) for f, t in zip(found, moved)]) < 0.75


def test_a_mask_does_not_depend_on_the_other_entries_of_its_stack():
    rng = np.random.default_rng(0)
    W1, W2, X = rng.normal(size=(2, 6, 5)), rng.normal(size=(2, 4, 6)), rng.normal(size=(5, 20))
    Y, rows = (W2 @ W1 @ X)[0], np.array([True, True, False, False])
    options = {"penalties": [1e-4, 1e-2]}
    together = block_masks(W1, W2, X, Y, rows, quick, **options)
    assert together.shape == (2, 2, 6, 5)
    np.testing.assert_array_equal(together, block_masks(W1, W2, X, Y, rows, quick, **options))
    for entry in (0, 1):
        others = [rng.normal(size=W.shape) for W in (W1, W2)]
        for other, W in zip(others, (W1, W2)):
            other[entry] = W[entry]
        beside_others = block_masks(*others, X, Y, rows, quick, **options)
        np.testing.assert_array_equal(beside_others[:, entry], together[:, entry])
        assert (beside_others != together).any()
        # in a smaller stack sigmoids round otherwise, as a vector's body and its tail do: a mask on the edge may turn
        alone = block_masks(W1[entry : entry + 1], W2[entry : entry + 1], X, Y, rows, quick, **options)
        assert (alone[:, 0] != together[:, entry]).sum() <= 3
    assert together[1].sum() < together[0].sum()


def test_the_loss_that_masks_lower_is_the_block_error():
    """The gradient that the masks follow, by autograd from the error's definition."""
    rng = np.random.default_rng(0)
    W1, W2, X = rng.normal(size=(1, 4, 3)), rng.normal(size=(1, 4, 4)), rng.normal(size=(3, 7))
    Y, rows = rng.normal(size=(4, 7)), np.array([True, False, True, False])
    found = block_masks(W1, W2, X, Y, rows, Sparsification(penalty=1e-9, steps=1, start=0.0))
    score = torch.zeros(W1.shape, dtype=torch.float64, requires_grad=True)
    masked = torch.sigmoid(score) * torch.from_numpy(W1)
    error = torch.from_numpy(W2[:, rows]) @ masked @ torch.from_numpy(X) - torch.from_numpy(Y[rows])
    loss = (error**2).sum() / (Y[rows] ** 2).sum()
    assert block_error(W1 / 2, W2, X, Y, rows) == pytest.approx(loss.item())
    loss.backward()
    np.testing.assert_array_equal(found[0], score.grad.numpy() < 0)  # Adam's first step is against the sign


def test_a_joined_network_computes_what_the_modules_do():
    rng = np.random.default_rng(0)
    first = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 1, 3))
    second = rng.normal(size=(2, 4, 5)), rng.normal(size=(2, 6, 4))
    W1, W2 = join((first, second))
    apart = np.concatenate([first[1] @ first[0], second[1] @ second[0]], axis=1)
    np.testing.assert_allclose(W2 @ W1, apart)
    turned = rotate((W1, W2), rng)
    np.testing.assert_allclose(turned[1] @ turned[0], apart)
    np.testing.assert_allclose(turned[0].mT @ turned[0], W1.mT @ W1)
    assert not np.allclose(turned[0], W1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: plant([0, 7], [1], hidden=4, inputs=2, outputs=3, rng=rng), "some of 0 to 3"),
        (lambda rng: plant([], [1], hidden=4, inputs=2, outputs=3, rng=rng), "some of 0 to 3"),
        (lambda rng: plant([0, 1], [1], hidden=4, inputs=2, outputs=1, rng=rng), "1 outputs for 2 units"),
        (lambda rng: least_exact_mask(np.ones((17, 2)), np.ones((1, 17)), [True]), "at most 16"),
        (
            lambda rng: block_masks(
                np.ones((1, 2, 2)), np.ones((1, 1, 2)), np.eye(2), np.zeros((1, 2)), np.array([True]), quick
            ),
            "targets are all 0",
        ),
    ],
)
def test_senseless_requests_are_refused(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call(np.random.default_rng(0))
