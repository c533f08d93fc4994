"""Networks of whose weights it is known which rule they serve, to hold a search against.

What a search finds can be held against the truth, and so a price of a weight can be chosen before any network is
looked at in which nothing is known.
"""

import copy

import numpy as np
import torch
from torch import nn

from lib.oddity.items import Pool
from lib.oddity.masks import SUBROUTINES, Mask, Part
from lib.oddity.networks import EMBEDDING, HIDDEN, Training, fit

HALF = HIDDEN // 2
ON_FEATURES = Training(steps=600, learning_rate=3e-3, batch=64)  # of a planted head


def plant_head(network: nn.Sequential, pool: Pool, features: torch.Tensor, seed: int) -> nn.Sequential:
    """The network with another head, on its own features: (stimuli, inputs of the head).

    32 hidden units, with an output layer of their own, are trained on items of the first rule, 32 on those of the
    second; then their weights are frozen and one output layer for all 64 is trained on composite items.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        halves = [nn.Sequential(nn.Linear(features.shape[1], HALF), nn.ReLU()) for _ in SUBROUTINES]
        outputs = [nn.Linear(HALF, EMBEDDING) for _ in SUBROUTINES]
        output = nn.Linear(HIDDEN, EMBEDDING)
    for place, kind in enumerate(SUBROUTINES):
        module = nn.Sequential(halves[place], outputs[place])
        fit(module, pool, features, ON_FEATURES, _order(seed, place), {kind: slice(None)})
    made = copy.deepcopy(network)
    with torch.no_grad():
        for name in ("weight", "bias"):
            both = torch.cat([getattr(half[0], name) for half in halves])
            getattr(made.get_submodule("hidden.0"), name).copy_(both)
        units = made.get_submodule("hidden")(features)
    fit(output, pool, units, ON_FEATURES, _order(seed, len(SUBROUTINES)))
    made.get_submodule("output").load_state_dict(output.state_dict())
    return made


def plant_split(network: nn.Sequential, pool: Pool, training: Training, seed: int) -> nn.Sequential:
    """A trained copy whose every layer is split: a half of its units serves the first rule, a half the second.

    Weights from one half to the other are 0. On items of one rule the embedding's own 8 numbers are read, on
    composite items all 16; a step takes half a batch of each.
    """
    made = copy.deepcopy(network)
    blocks = {
        name: torch.stack(_blocks(name, weight)).any(0)
        for name, weight in made.named_parameters()
        if weight.ndim > 1 and not name.startswith("words")
    }
    half = EMBEDDING // 2
    read = {"first": slice(half), "second": slice(half, None), "composite": slice(None)}

    @torch.no_grad()
    def keep_apart() -> None:
        for name, block in blocks.items():
            made.get_parameter(name).mul_(block)

    keep_apart()
    fit(made, pool, torch.from_numpy(pool.stimuli), training, _order(seed, 3), read, keep_apart)
    return made


def _order(seed: int, place: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(2, place))


def head_truth(part: Part) -> list[Mask]:
    """For each rule a mask of the weights into its half of a planted head, and out of it."""
    masks = []
    for rule in range(len(SUBROUTINES)):
        own = slice(rule * HALF, (rule + 1) * HALF)
        mask = [torch.zeros_like(weight, dtype=torch.bool) for weight in part.weights]
        mask[part.names.index("hidden.0.weight")][own] = True
        mask[part.names.index("output.weight")][:, own] = True
        masks.append(mask)
    return masks


def split_truth(part: Part) -> list[Mask]:
    """For each rule a mask of the weights within its half of a split network."""
    blocks = [_blocks(name, weight) for name, weight in zip(part.names, part.weights)]
    return [[block[rule] for block in blocks] for rule in range(len(SUBROUTINES))]


def share_found(mask: Mask, truth: list[Mask], rule: int) -> float:
    """Share of the weights that a mask keeps in both halves that lie in the rule's own; nan where there are none."""
    in_half = [sum(int((m & t).sum()) for m, t in zip(mask, half)) for half in truth]
    return in_half[rule] / sum(in_half) if sum(in_half) else float("nan")


def _blocks(name: str, weight: torch.Tensor) -> list[torch.Tensor]:
    """The weights within each half. Queries, keys and values stand in one matrix of three; one channel feeds both."""
    rows, columns = weight.shape[:2]
    together = rows // 3 if name.endswith("in_proj_weight") else rows
    row = torch.arange(rows) % together * 2 // together
    column = torch.arange(columns) * 2 // columns
    blocks = []
    for rule in range(len(SUBROUTINES)):
        inputs = (column == rule) if columns > 1 else torch.ones(1, dtype=torch.bool)
        block = (row == rule)[:, None] & inputs
        blocks.append(block.reshape(rows, columns, *[1] * (weight.ndim - 2)).expand(weight.shape))
    return blocks
