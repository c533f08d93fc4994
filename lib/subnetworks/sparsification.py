"""Binary masks over frozen weights by continuous sparsification: which weights does a task need?

Every weight w gets a score s and is multiplied by the soft mask σ(κs). Gradient descent on the scores minimises
the loss of the masked network plus μ Σ σ(κs), while the sharpness κ grows exponentially from 1, so that the
soft mask ends as the binary one, s > 0. The weights themselves never change.
Sources: Savarese, Silva and Maire (2020) for the method, Lepori, Serre and Pavlick (2023) for its use on
trained networks.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from tqdm import tqdm

from lib.validation import check_count, check_positive


@dataclass(frozen=True)
class Sparsification:
    """Everything that decides about a mask but the network and its loss."""

    penalty: float = 1e-5  # μ, the price of a kept weight in units of the loss
    learning_rate: float = 0.05  # of Adam on the scores
    start: float = 0.05  # score of every weight at the beginning; above 0 all weights are kept, but half
    steps: int = 3720  # of Adam
    final_sharpness: float = 200.0  # κ at the last step; it is 1 at the first

    def __post_init__(self) -> None:
        check_count("steps", self.steps)
        for name in ("penalty", "learning_rate"):
            check_positive(name, getattr(self, name))
        if not math.isfinite(self.start):
            raise ValueError(f"start = {self.start!r} is not finite")
        if not (math.isfinite(self.final_sharpness) and self.final_sharpness > 1):
            raise ValueError(f"final_sharpness = {self.final_sharpness!r} is not finite and above 1")

    def sharpness(self, step: int) -> float:
        """κ at a step, counted from 0."""
        return self.final_sharpness ** (step / max(1, self.steps - 1))


@torch.no_grad()
def find_masks(
    weights: Iterable[torch.Tensor],
    gradients: Callable,
    settings: Sparsification | None = None,
    *,
    penalties: Iterable[float] | None = None,
    progress: bool = False,
) -> list:
    """Masks over stacked weights: boolean tensors of the weights' shapes, True where a weight is kept.

    weights: tensors whose first axis counts the entries of one stack, which do not influence each other.
    gradients(masked, step): the gradients of the loss, summed over the entries, with respect to the masked weights,
    as a sequence like weights. The step, counted from 0, is there for a choice of the batch.
    penalties: one μ an entry; by default every entry has that of the settings.
    Raises ValueError for no weights, stacks of different length, a μ that is not positive, and where the loss's
    gradient is not finite.
    """
    settings, weights = settings or Sparsification(), list(weights)
    if len({len(weight) for weight in weights}) != 1:
        raise ValueError(
            f"stacks of {[len(w) for w in weights]} weights; give at least one, all equally long"
        )
    penalties = _penalties(penalties, settings, weights[0])
    scores = [torch.full_like(weight, settings.start) for weight in weights]
    optimizer = torch.optim.Adam(scores, lr=settings.learning_rate, fused=True)
    with _zero_for_subnormal():
        for step in tqdm(range(settings.steps), desc="masks", disable=not progress):
            sharpness = settings.sharpness(step)
            soft = [torch.sigmoid(sharpness * score) for score in scores]
            found = gradients([weight * mask for weight, mask in zip(weights, soft)], step)
            for score, weight, mask, gradient in zip(scores, weights, soft, found, strict=True):
                price = penalties.view(-1, *[1] * (weight.ndim - 1))
                score.grad = (gradient * weight + price) * (sharpness * mask * (1 - mask))
            optimizer.step()
    if not all(torch.isfinite(score).all() for score in scores):
        raise ValueError("the gradient of the masked network's loss is not finite; check weights and data")
    return [score > 0 for score in scores]


@contextmanager
def _zero_for_subnormal() -> Iterator[None]:
    """Soft masks near 0 make numbers below the smallest normal one, with which processors are many times slower."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _penalties(
    penalties: Iterable[float] | None, settings: Sparsification, like: torch.Tensor
) -> torch.Tensor:
    values = [settings.penalty] * len(like) if penalties is None else list(penalties)
    if len(values) != len(like):
        raise ValueError(f"{len(values)} penalties for {len(like)} entries of the stack; give one an entry")
    for value in values:
        check_positive("penalty", value)
    return torch.tensor(values, dtype=like.dtype, device=like.device)
