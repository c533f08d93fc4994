"""Subnetworks of a part of a frozen network: the search, what they do alone, and what is left without them."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from lib.oddity.items import Pool, accuracy, oddity_loss
from lib.oddity.networks import embed
from lib.subnetworks.sparsification import Sparsification, find_masks

Tests = dict[str, tuple[np.ndarray, np.ndarray]]  # items by the name of a test, as Pool.draw gives them
Mask = list[torch.Tensor]  # boolean, one a weight matrix or kernel of a part
SUBROUTINES = ("first", "second")  # the two rules, as kinds of items
BATCH = 64  # items a step of the search


@dataclass(frozen=True)
class Part:
    """A network cut below the first stage whose weights a mask may drop."""

    below: nn.Sequential
    above: nn.Sequential
    names: tuple[str, ...]  # of the weights that a mask may drop, as in above; no biases, no norms

    @property
    def weights(self) -> list[torch.Tensor]:
        parameters = dict(self.above.named_parameters())
        return [parameters[name].detach() for name in self.names]

    def features(self, stimuli: np.ndarray) -> torch.Tensor:
        """What the stages below the cut make of stimuli."""
        return embed(self.below, stimuli)

    def masked(self, features: torch.Tensor, weights: Iterable[torch.Tensor]) -> torch.Tensor:
        """Embeddings (n, 16) with other weights in the place of the part's own."""
        return functional_call(self.above, dict(zip(self.names, weights)), (features,))

    @torch.no_grad()
    def embed(self, features: torch.Tensor, mask: Mask | None = None) -> torch.Tensor:
        """Embeddings (n, 16) with the weights that a mask keeps, all by default."""
        weights = self.weights if mask is None else [w * m for w, m in zip(self.weights, mask, strict=True)]
        return torch.cat([self.masked(some, weights) for some in features.split(500)])


def cut(network: nn.Sequential, stages: Collection[str]) -> Part:
    """The part of a network made of these stages. Raises ValueError for a stage that it does not have."""
    stages_all = list(network.named_children())
    known = [name for name, _ in stages_all]
    if not stages or set(stages) - set(known):
        raise ValueError(f"stages = {list(stages)}: give some of {', '.join(known)}")
    first = min(known.index(stage) for stage in stages)
    below, above = (nn.Sequential(OrderedDict(part)) for part in (stages_all[:first], stages_all[first:]))
    names = [
        name
        for name, parameter in above.named_parameters()
        if parameter.ndim > 1 and name.split(".")[0] in stages
    ]
    return Part(below, above, tuple(names))


def find(
    part: Part,
    pool: Pool,
    features: torch.Tensor,
    settings: Sparsification,
    seed: int,
    *,
    kinds: Sequence[str] = SUBROUTINES,
    progress: bool = False,
) -> list[Mask]:
    """A mask for every kind of items: boolean tensors of the shapes of the part's weights.

    features: of the pool's stimuli, see Part.features. Raises ValueError as find_masks does.
    """
    rngs = [np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, k))) for k in range(len(kinds))]

    def gradients(masked: list[torch.Tensor], step: int) -> tuple[torch.Tensor, ...]:
        with torch.enable_grad():
            leaves = [weight.detach().requires_grad_() for weight in masked]
            loss = torch.zeros(())
            for entry, (kind, rng) in enumerate(zip(kinds, rngs)):
                index, odd = pool.draw(kind, BATCH, rng)
                embeddings = part.masked(features[index.ravel()], [leaf[entry] for leaf in leaves])
                loss = loss + oddity_loss(embeddings.unflatten(0, index.shape), torch.from_numpy(odd))
            return torch.autograd.grad(loss, leaves)

    stacked = [torch.stack([weight] * len(kinds)) for weight in part.weights]
    found = find_masks(stacked, gradients, settings, progress=progress)
    return [[layer[entry] for layer in found] for entry in range(len(kinds))]


def inverted(mask: Mask) -> Mask:
    """What an ablation leaves."""
    return [~layer for layer in mask]


def kept(mask: Mask) -> float:
    """Share of the part's weights that a mask keeps."""
    return sum(int(layer.sum()) for layer in mask) / sum(layer.numel() for layer in mask)


def random_mask(mask: Mask, rng: np.random.Generator) -> Mask:
    """A mask that keeps as many weights of every layer, drawn at random."""
    return [torch.from_numpy(rng.permutation(layer.numpy().ravel()).reshape(layer.shape)) for layer in mask]


def accuracies(embeddings: torch.Tensor, tests: Tests) -> dict[str, float]:
    """Accuracy by the name of a test."""
    return {name: accuracy(embeddings, *items) for name, items in tests.items()}
