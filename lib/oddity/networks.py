"""Networks that embed a stimulus, as stages in a row, and their training on composite items.

Every one ends with a head of 64 hidden units and an embedding of 16 numbers. M averages its last features over the
image; standardised M does too, and standardises the grey values first (see Pixels). F keeps the place of its
features and normalises each channel of each image (without parameters). The transformer has two layers; its head
reads what they make of the start of the sentence.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from lib.oddity.items import Pool, oddity_loss
from lib.oddity.rendering import SIZE
from lib.validation import check_choice, check_count

HIDDEN, EMBEDDING = 64, 16  # of the head
WIDTH = 32  # of the transformer
STANDARDISED = "standardised M"
GREY_MEAN, GREY_DEVIATION = 0.07, 0.2  # of the images of inside and contact, rounded
KERNELS = {"M": ((16, 5), (24, 3), (32, 5)), "F": ((16, 5), (24, 3), (32, 3))}  # channels, side of the kernel
PARTS = {  # stages whose weights a mask may keep or not; the words' embeddings are no such weights
    "M": {"head": ("hidden", "output"), "all": ("conv1", "conv2", "conv3", "hidden", "output")},
    STANDARDISED: {"head": ("hidden", "output"), "all": ("conv1", "conv2", "conv3", "hidden", "output")},
    "F": {"head": ("hidden", "output"), "all": ("conv1", "conv2", "conv3", "hidden", "output")},
    "transformer": {"head": ("hidden", "output"), "all": ("layer1", "layer2", "hidden", "output")},
}


@dataclass(frozen=True)
class Training:
    """Steps of Adam, its learning rate, and the items in the batch of a step.

    The learning rate falls linearly to 0 over the last 30 % of the steps.
    """

    steps: int = 600
    learning_rate: float = 1e-3
    batch: int = 32

    def __post_init__(self) -> None:
        check_count("steps", self.steps)
        check_count("batch", self.batch)

    def rate(self, step: int) -> float:
        """Share of the learning rate at a step, counted from 0."""
        return min(1.0, (self.steps - step) / (0.3 * self.steps))


class Pixels(nn.Module):
    """Grey values less their mean, in units of their standard deviation.

    Most pixels are 0: without it M embeds all images nearly alike at the start, where the loss has hardly a slope.
    """

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (images - GREY_MEAN) / GREY_DEVIATION


class Words(nn.Module):
    """Embeddings of words and of their places: (n, length) to (n, length, width)."""

    def __init__(self, words: int, length: int) -> None:
        super().__init__()
        self.word = nn.Embedding(words, WIDTH)
        self.place = nn.Parameter(torch.randn(length, WIDTH) * 0.02)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return self.word(numbers) + self.place


class Start(nn.Module):
    """What stands at the start of each sentence: (n, length, width) to (n, width)."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states[:, 0]


def build(name: str, seed: int, words: int = 0, length: int = 0) -> nn.Sequential:
    """An untrained network: a name of PARTS, the transformer for so many words in sentences of that length."""
    check_choice("network", name, tuple(PARTS))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stages, features = _transformer(words, length) if name == "transformer" else _convolutional(name)
        head = nn.Sequential(nn.Linear(features, HIDDEN), nn.ReLU())
        network = nn.Sequential(
            OrderedDict(stages | {"hidden": head, "output": nn.Linear(HIDDEN, EMBEDDING)})
        )
    # M's wide kernels are a third faster with channels last, F's normalisation is slower
    if name not in ("F", "transformer"):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in the stub
    return network


def _transformer(words: int, length: int) -> tuple[dict[str, nn.Module], int]:
    layers = [
        nn.TransformerEncoderLayer(WIDTH, 2, 64, dropout=0.0, activation="gelu", batch_first=True)
        for _ in range(2)
    ]
    last = nn.Sequential(layers[1], Start())
    return {"words": Words(words, length), "layer1": layers[0], "layer2": last}, WIDTH


def _convolutional(name: str) -> tuple[dict[str, nn.Module], int]:
    stages: dict[str, nn.Module] = {"pixels": Pixels()} if name == STANDARDISED else {}
    inputs, kernels = 1, KERNELS["F" if name == "F" else "M"]
    for place, (outputs, kernel) in enumerate(kernels, start=1):
        last = place == len(kernels)
        stage: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel, padding="same")]
        stage += [nn.InstanceNorm2d(outputs)] if name == "F" else []
        averaged = name != "F" and last
        # the largest of four first: the same bits as behind the ReLU, with a quarter of its work
        stage += [nn.ReLU(), nn.AdaptiveAvgPool2d(1)] if averaged else [nn.MaxPool2d(2), nn.ReLU()]
        stages[f"conv{place}"] = nn.Sequential(*stage, *[nn.Flatten()] * last)
        inputs = outputs
    return stages, inputs * (SIZE // 2 ** len(kernels)) ** 2 if name == "F" else inputs


def train(
    network: nn.Sequential, pool: Pool, training: Training, seed: int, *, progress: bool = False
) -> np.ndarray:
    """Train a network in place on composite items; the loss at every step."""
    key = np.random.SeedSequence(seed, spawn_key=(0,))
    return fit(network, pool, torch.from_numpy(pool.stimuli), training, key, progress=progress)


def fit(
    module: nn.Module,
    pool: Pool,
    stimuli: torch.Tensor,
    training: Training,
    seed: np.random.SeedSequence,
    read: dict[str, slice] | None = None,
    after: Callable[[], None] | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Train a module in place on items of every kind in read, composite ones by default; a slice of embeddings counts.

    stimuli: what the module reads of the pool's. after: called after every step. Returns the loss at every step.
    """
    rng, read = np.random.default_rng(seed), read or {"composite": slice(None)}
    optimizer = torch.optim.Adam(module.parameters(), lr=training.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, training.rate)
    share = training.batch if len(read) == 1 else training.batch // 2
    losses = []
    for _ in tqdm(range(training.steps), desc="training", disable=not progress):
        drawn = [pool.draw(kind, share, rng) for kind in read]
        index = np.concatenate([places for places, _ in drawn])
        embeddings = module(stimuli[index.ravel()]).unflatten(0, index.shape).split(share)
        loss = torch.zeros(())
        for part, own, (_, odd) in zip(embeddings, read.values(), drawn):
            loss = loss + oddity_loss(part[..., own], torch.from_numpy(odd))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if after:
            after()
        losses.append(loss.detach())
    return torch.stack(losses).numpy()


@torch.no_grad()
def embed(network: nn.Module, stimuli: np.ndarray) -> torch.Tensor:
    """What a network, or a part of one, makes of stimuli (n, ...)."""
    return torch.cat([network(part) for part in torch.from_numpy(stimuli).split(125)])
