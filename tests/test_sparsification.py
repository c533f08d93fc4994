"""Continuous sparsification of frozen weights: what its masks keep, its gradient, its refusals."""

import numpy as np
import pytest
import torch

from lib.subnetworks.sparsification import Sparsification, find_masks

QUICK = Sparsification(penalty=1e-3, steps=300)
INPUTS = torch.randn(200, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def problem(weights, targets, noise=0.0):
    """Gradients of half the mean squared error of stacked linear maps; targets (stack, outputs, inputs)."""
    goal = INPUTS @ targets.mT

    def gradients(masked, step):
        chosen = np.random.default_rng(step).choice(len(INPUTS), 20) if noise else slice(None)
        error = INPUTS[chosen] @ masked[0].mT - goal[:, chosen]
        return [error.mT @ INPUTS[chosen] / len(INPUTS[chosen])]

    return [weights], gradients


def stacked(seed=0, runs=3):
    """Weights of which some do what the targets ask for, and the rest disturb; masks of the first."""
    rng = np.random.default_rng(seed)
    weights = rng.choice([-1, 1], (runs, 5, 4)) * rng.uniform(0.5, 1.5, (runs, 5, 4))
    needed = rng.random((runs, 5, 4)) < 0.5
    return torch.tensor(weights), torch.tensor(needed)


def test_the_weights_that_do_the_task_are_found():
    weights, needed = stacked()
    (mask,) = find_masks(*problem(weights, weights * needed), QUICK)
    assert mask.dtype == torch.bool
    assert torch.equal(mask, needed)


def test_with_another_truth_they_are_not():
    weights, needed = stacked()
    (mask,) = find_masks(*problem(weights, weights * ~needed), QUICK)
    assert not torch.equal(mask, needed)


def test_weights_without_effect_are_dropped_however_small_the_penalty():
    weights, needed = stacked()
    weights[:, :, 0] = 0
    (mask,) = find_masks(*problem(weights, weights * needed), Sparsification(penalty=1e-6, steps=300))
    assert not mask[:, :, 0].any()
    assert torch.equal(mask[:, :, 1:], needed[:, :, 1:])


def test_a_higher_price_keeps_fewer_weights_and_a_prohibitive_one_none():
    weights, needed = stacked(runs=1)
    penalties = [1e-6, 0.3, 1e2]
    weights, needed = weights.repeat(3, 1, 1), needed.repeat(3, 1, 1)
    (mask,) = find_masks(*problem(weights, weights * needed), QUICK, penalties=penalties)
    assert torch.equal(mask[0], needed[0])
    assert 0 < mask[1].sum() < needed[1].sum()
    assert not (mask[1] & ~needed[1]).any()
    assert not mask[2].any()


def test_the_first_steps_are_those_of_autograd():
    """The same descent written with autograd on the scores, for a loss that is not quadratic in the weights."""
    settings = Sparsification(penalty=1e-2, learning_rate=0.01, steps=25, final_sharpness=50.0)
    generator = torch.Generator().manual_seed(1)
    weights = [torch.randn(2, *shape, generator=generator, dtype=torch.float64) for shape in ((4, 6), (6, 3))]
    penalties = torch.tensor([1e-2, 3e-1], dtype=torch.float64)

    def loss(masked):
        return torch.tanh(torch.tanh(INPUTS @ masked[0]) @ masked[1]).square().sum(2).mean(1)

    seen = []

    def gradients(masked, step):
        seen.append([part.clone() for part in masked])
        masked = [part.clone().requires_grad_() for part in masked]
        with torch.enable_grad():
            return torch.autograd.grad(loss(masked).sum(), masked)

    masks = find_masks(weights, gradients, settings, penalties=penalties.tolist())
    scores = [torch.full_like(weight, settings.start).requires_grad_() for weight in weights]
    optimizer = torch.optim.Adam(scores, lr=settings.learning_rate)
    for step in range(settings.steps):
        sharpness = 50.0 ** (step / 24)
        soft = [torch.sigmoid(sharpness * score) for score in scores]
        masked = [weight * mask for weight, mask in zip(weights, soft)]
        for mine, its in zip(seen[step], masked):
            torch.testing.assert_close(mine, its.detach(), rtol=0, atol=1e-10)
        price = sum((penalties * mask.flatten(1).sum(1)).sum() for mask in soft)
        optimizer.zero_grad()
        (loss(masked).sum() + price).backward()
        optimizer.step()
    assert len(seen) == settings.steps
    assert all(torch.equal(mask, score > 0) for mask, score in zip(masks, scores))


def test_entries_of_a_stack_do_not_influence_each_other_and_reruns_agree():
    weights, needed = stacked(seed=2)
    penalties = [1e-3, 1e-2, 1e-1]
    settings = Sparsification(steps=60)

    def found(runs):
        chosen = problem(weights[runs], (weights * needed)[runs], noise=1)
        return find_masks(*chosen, settings, penalties=[penalties[run] for run in runs])[0]

    together = found([0, 1, 2])
    assert torch.equal(together, found([0, 1, 2]))
    for run, others in enumerate(([0, 2, 1], [2, 1, 0], [1, 0, 2])):  # the same place, other neighbours
        assert torch.equal(together[run], found(others)[run])
    # in a smaller stack a sigmoid may round otherwise, as a vector's body and its tail do
    apart = torch.cat([found([run]) for run in range(3)])
    assert (together != apart).sum() <= 2
    assert 0 < together.float().mean() < 1


def test_the_sharpness_grows_exponentially_from_one():
    settings = Sparsification(steps=5, final_sharpness=16.0)
    assert [settings.sharpness(step) for step in range(5)] == [1, 2, 4, 8, 16]
    assert Sparsification(steps=1).sharpness(0) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"penalty": 0}, "penalty = 0 is not finite and positive"),
        ({"penalty": -1e-5}, "penalty = -1e-05 is not finite and positive"),
        ({"penalty": np.nan}, "penalty = nan is not finite"),
        ({"learning_rate": 0.0}, "learning_rate = 0.0 is not finite and positive"),
        ({"start": np.inf}, "start = inf is not finite"),
        ({"steps": 0}, "steps = 0 is not an integer from 1 on"),
        ({"steps": 2.5}, "steps = 2.5 is not an integer"),
        ({"final_sharpness": 1.0}, "final_sharpness = 1.0 is not finite and above 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Sparsification(**changes)


@pytest.mark.parametrize(
    ("weights", "penalties", "message"),
    [
        ([], None, r"stacks of \[\] weights; give at least one"),
        ([torch.ones(2, 3), torch.ones(3, 3)], None, r"stacks of \[2, 3\] weights; .* all equally long"),
        ([torch.ones(2, 3)], [1e-5], "1 penalties for 2 entries of the stack"),
        ([torch.ones(2, 3)], [1e-5, 0], "penalty = 0 is not finite and positive"),
        ([torch.full((2, 3), torch.nan)], None, "the gradient of the masked network's loss is not finite"),
    ],
)
def test_refusals(weights, penalties, message):
    with pytest.raises(ValueError, match=message):
        find_masks(weights, lambda masked, step: masked, Sparsification(steps=3), penalties=penalties)
