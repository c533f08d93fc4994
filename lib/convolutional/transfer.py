"""How much of a step learned on training images carries over to test images.

Run it with `python -m lib.convolutional.transfer`.

The transfer of a direction d is ⟨g_test, d⟩/⟨g_train, d⟩ for the gradients g of the compositional error: to first
order, the fall of the test error for a fall of the training error by 1. In the linear theory it is ρ at the first
step, for gradient descent as for sign descent; see the geometry chapter. What the signs add there are
weights that a single example moves: so the share of a step's gain that such weights have is recorded too.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch.nn import functional

from lib import records
from lib.convolutional.digits import Composites
from lib.convolutional.networks import Network
from lib.convolutional.profiles import Profile, get
from lib.convolutional.training import train

DIRECTIONS = ("sgd", "sign", "adam")
FEW = 10  # a weight that fewer examples than these move, in effect, belongs to few
EPOCHS = (1, 5, 20)
PATH = records.RESULTS / "cmnist_transfer.json"
COMMAND = "python -m lib.convolutional.transfer"


def gradients(network: Network, run: int, composites: Composites, batch: int) -> Iterator[torch.Tensor]:
    """Gradients (weights,) of the compositional error of one run's first module, by autograd, batch by batch.

    The error is the batch mean of the summed squared error over the digits. A last incomplete batch is left out.
    """
    border = 10 * composites.digits
    kernels = [kernel.reshape(-1, *kernel.shape[-4:])[run] for kernel in network.kernels]
    biases = [bias.reshape(-1, bias.shape[-1])[run] for bias in network.biases]
    readout, offset = network.readouts[0][run][:, :border], network.offsets[0][run][:, :border]
    weights = [part.detach().clone().requires_grad_() for part in (*kernels, *biases, readout, offset)]
    images = torch.from_numpy(composites.images).to(readout.dtype)
    wanted = torch.from_numpy(composites.compositional).to(readout.dtype)
    for pictures, targets in zip(images.split(batch), wanted.split(batch)):
        if len(pictures) < batch:
            return
        x = pictures[:, None]
        for kernel, bias in zip(weights[: len(kernels)], weights[len(kernels) :]):
            x = functional.conv2d(x, kernel.permute(3, 2, 0, 1), bias).relu()
        outputs = x.permute(0, 2, 3, 1).flatten(1) @ weights[-2] + weights[-1]
        error = ((outputs - targets) ** 2).sum(1).mean() / composites.digits
        yield torch.cat([part.flatten() for part in torch.autograd.grad(error, weights)])


def transfer(network: Network, run: int, training: Composites, test: Composites) -> dict:
    """The transfer of three directions, and how far sign and gradient point apart.

    sgd: the gradient of all training images; sign: its signs; adam: the gradient divided by the root mean square of
    the batches' gradients, what Adam tends to in slow learning. cosine: between gradient and signs.
    """
    batch = network.settings.batch
    batches = torch.stack([*gradients(network, run, training, batch)])
    g, root = batches.mean(0), batches.square().mean(0).sqrt()
    away = torch.stack([*gradients(network, run, test, batch)]).mean(0)
    adam = torch.where(root > 0, g / root.clamp(min=1e-30), 0)
    directions = dict(zip(DIRECTIONS, (g, g.sign(), adam)))
    found = {name: float(away @ d / (g @ d)) for name, d in directions.items()}
    return found | {"cosine": float(g.abs().sum() / (g.norm() * (g != 0).sum().sqrt()))}


def few_examples(network: Network, run: int, training: Composites) -> dict:
    """The share of a step's gain, to first order, that comes from weights which few training examples move.

    Examples behind a weight, in effect: (Σ|g|)²/Σg² over the gradients g of the single examples, from 1 to their
    number. few_sgd: of the gradient's gain Σ(Σg)²; few_sign: of its signs' gain Σ|Σg|; examples: the median number
    behind a weight, each weight counted by its part in the signs' gain.
    """
    whole = size = square = torch.zeros(())
    for g in gradients(network, run, training, 1):
        whole, size, square = whole + g, size + g.abs(), square + g.square()
    moved = square > 0
    behind, gain = size[moved] ** 2 / square[moved], whole[moved].abs()
    order = behind.argsort()
    half = torch.searchsorted(gain[order].cumsum(0), gain.sum() / 2)
    few = behind < FEW
    return {
        "few_sgd": float(gain[few].square().sum() / gain.square().sum()),
        "few_sign": float(gain[few].sum() / gain.sum()),
        "examples": float(behind[order][half]),
    }


def measure(profile: Profile, seeds: list[int]) -> dict:
    """Both measurements in every case of a profile during its training: by case and epoch, a value a seed."""
    entries: dict[str, dict[str, dict]] = {}
    for name, case in profile.cases.items():
        (training, test), entries[name] = case.task.composites(), {}
        with TemporaryDirectory() as folder:
            for epoch in EPOCHS:  # each goes on from the checkpoint of the one before
                settings = replace(case.settings, epochs=epoch)
                state = f"{folder}/state.pt"
                network = train(settings, training, test, seeds, measure=1, checkpoint=state).network
                assert network is not None
                found = [
                    transfer(network, run, training, test) | few_examples(network, run, training)
                    for run in range(len(seeds))
                ]
                entries[name][str(epoch)] = {key: [round(one[key], 5) for one in found] for key in found[0]}
    return entries


def read(path: Path | None = None) -> dict:
    """The record; FileNotFoundError, with the command that makes it, where there is none."""
    return records.read(path or PATH, COMMAND)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = records.parser("lib.convolutional.transfer", "Measure transfer, record it.", ["optimisers"], 0)
    return records.run(parser, arguments or ["optimisers", *sys.argv[1:]], _main)


def _main(options: argparse.Namespace) -> int:
    seeds = list(range(options.first_seed, options.first_seed + (options.runs or 5)))
    command, commit = f"{COMMAND} --runs {len(seeds)} --first-seed {options.first_seed}", records.commit()
    content = {
        "profile": options.name,
        "cases": measure(get(options.name), seeds),
        "seeds": seeds,
        **records.origin(command, commit, "numpy", "torch"),
    }
    records.write(content, Path(options.out or PATH), rows=r"\[[^][{}]*]", between=" ")
    for name, course in content["cases"].items():
        last = course[str(EPOCHS[-1])]
        print(name, {key: round(float(np.mean(values)), 3) for key, values in last.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
