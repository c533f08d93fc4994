"""Two trunks and two blocks of outputs, joined by gates: a network that may learn to be split.

Each block reads the features of every trunk times a gate; the two gates of a block sum to 1 (softmax of two
numbers). With gates of 0 and 1 this is the split network, with equal gates a dense one whose channels fall into two
halves.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lib.convolutional.digits import Composites
from lib.convolutional.settings import Settings, Size
from lib.validation import Seeds, check_seeds

Pair = tuple[torch.Tensor, torch.Tensor]  # images and targets


class Gated(nn.Module):
    """Trunks with the channels of a split network's modules; predicts the compositional and the other outputs.

    start: difference of each block's two numbers at the start, plus normal noise of a tenth; with more than 0 the
    gates begin on the split network's side. fixed: gates do not learn.
    """

    def __init__(
        self,
        settings: Settings,
        image: Size,
        digits: int,
        seed: int,
        start: float = 0.0,
        fixed: bool = False,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.trunks = nn.ModuleList(_trunk(settings) for _ in range(2))
        height, width = settings.sizes(image)[-1]
        features = height * width * settings.channels
        self.readouts = nn.ModuleList(nn.Linear(2 * features, n) for n in (10 * digits, 10**digits))
        for name, parameter in self.named_parameters():
            std = settings.readout_std if name.startswith("readouts") else settings.init_std
            nn.init.normal_(parameter, 0, std, generator=generator)
        noise = 0.1 * torch.randn(2, generator=generator)
        self.difference = nn.Parameter(torch.tensor([start, -start]) + noise, requires_grad=not fixed)

    def gates(self) -> torch.Tensor:
        """(blocks, trunks)"""
        first = torch.sigmoid(self.difference)
        return torch.stack([first, 1 - first], dim=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = [trunk(images[:, None]) for trunk in self.trunks]
        return torch.cat(
            [
                readout(torch.cat([gate * part for gate, part in zip(gates, features)], dim=1))
                for gates, readout in zip(self.gates(), self.readouts)
            ],
            dim=1,
        )


def _trunk(settings: Settings) -> nn.Sequential:
    layers, inputs = [], 1
    for kernel in settings.kernels:
        layers += [nn.Conv2d(inputs, settings.channels, kernel), nn.ReLU()]
        inputs = settings.channels
    return nn.Sequential(*layers, nn.Flatten())


@dataclass(frozen=True)
class GatedHistory:
    """What was measured during the training of gated networks, at the given epochs (entries,).

    test (runs, entries): normalised compositional error on the test composites. right (runs,): share of their
    digits that are right at the end. apart (runs, entries): absolute difference of the two blocks' gates on one
    trunk, 0 for shared trunks, 1 for split ones.
    """

    epochs: np.ndarray
    test: np.ndarray
    right: np.ndarray
    apart: np.ndarray


def train(
    settings: Settings,
    training: Composites,
    test: Composites,
    seeds: Seeds,
    *,
    measure: int = 4,
    gate_rate: float = 1.0,
    start: float = 0.0,
    fixed: bool = False,
) -> GatedHistory:
    """Train gated networks by gradient descent, one a seed, with the batches of lib.convolutional.training.

    gate_rate: factor on the gates' learning rate. start, fixed: of Gated.
    """
    sets = [(torch.from_numpy(part.images), torch.from_numpy(_targets(part))) for part in (training, test)]
    image, found = training.images.shape[1:], []
    for seed in check_seeds(seeds):
        net = Gated(settings, image, training.digits, seed, start, fixed)
        found.append(_one(net, seed, settings, sets, test, measure, gate_rate))
    errors, right, apart = zip(*found)
    epochs = np.arange(0, settings.epochs + 1, measure)
    return GatedHistory(epochs, np.array(errors), np.array(right), np.array(apart))


def _one(
    net: Gated,
    seed: int,
    settings: Settings,
    sets: list[Pair],
    test: Composites,
    measure: int,
    gate_rate: float,
) -> tuple[list[float], float, list[float]]:
    others = [p for name, p in net.named_parameters() if name != "difference"]
    groups: list[dict[str, list[nn.Parameter] | float]] = [
        {"params": others},
        {"params": [net.difference], "lr": gate_rate * settings.learning_rate},
    ]
    optimizer = torch.optim.SGD(groups, lr=settings.learning_rate)
    (images, targets), steps = sets[0], len(sets[0][0]) // settings.batch
    errors, apart = [], []
    for epoch in range(settings.epochs + 1):
        if epoch:
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, epoch)))
            for batch in rng.permutation(len(images))[: steps * settings.batch].reshape(steps, -1):
                optimizer.zero_grad()
                (net(images[batch]) - targets[batch]).square().sum(1).mean().backward()
                optimizer.step()
        if epoch % measure == 0:
            error, right = _measured(net, sets[1], test)
            errors.append(error)
            gate = net.gates().detach()
            apart.append(abs(gate[0, 0] - gate[1, 0]).item())
    return errors, right, apart


@torch.no_grad()
def _measured(net: Gated, part: Pair, test: Composites) -> tuple[float, float]:
    images, targets = part
    border = 10 * test.digits
    outputs = torch.cat([net(chunk)[:, :border] for chunk in images.split(500)])
    error = (outputs - targets[:, :border]).square().sum(1).mean().item() / test.digits
    found = outputs.unflatten(1, (test.digits, 10)).argmax(2).numpy()
    return error, (found == test.labels).mean()


def _targets(part: Composites) -> np.ndarray:
    return np.hstack([part.compositional, part.noncompositional]).astype(np.float32)
