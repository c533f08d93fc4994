"""Subnetworks of trained convolutional networks: which weights each output block needs, and what they do alone.

A subroutine is the production of one output block. Its subnetwork keeps those weights of the convolutions that
continuous sparsification chooses for the block's own normalised error; biases and readouts stay. Alone, and
ablated from the network, it is measured on both blocks.
Source of the test: Lepori, Serre and Pavlick (2023).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch

from lib.convolutional.digits import Composites
from lib.convolutional.networks import Network
from lib.convolutional.settings import PRECISIONS
from lib.subnetworks.sparsification import Sparsification, find_masks
from lib.validation import check_choice, check_count

SUBROUTINES = ("compositional", "noncompositional")  # the order of the last axis of the errors


@dataclass(frozen=True)
class Subnetworks:
    """The subnetworks of several networks, one for every μ and subroutine; arrays are (μ, subroutines, runs, ...).

    Inside, all of them are entries of one stack, the runs of `network`: for every μ each subroutine with every run.
    """

    penalties: list
    subroutines: list
    network: Network  # the whole network of every entry
    masks: list  # of every convolution, as network.kernels: True where a weight belongs to the subnetwork

    @property
    def shape(self) -> tuple:
        kinds = len(self.penalties) * len(self.subroutines)
        return len(self.penalties), len(self.subroutines), self.network.runs // kinds

    def kept(self) -> np.ndarray:
        """Share of the convolutions' weights that belong to the subnetwork."""
        every = torch.cat([mask.swapaxes(0, 1).flatten(1) for mask in self.masks], dim=1)
        return every.double().mean(1).cpu().numpy().reshape(self.shape)

    def layers(self, penalty: int, subroutine: int, run: int) -> list:
        """One subnetwork's masks, a flat boolean array a layer, over all modules; the arguments are indices."""
        entry = np.ravel_multi_index((penalty, subroutine, run), self.shape)
        return [mask[:, entry].flatten().cpu().numpy() for mask in self.masks]

    def weights(self, run: int) -> list:
        """The trained weights that layers(...) are masks of, flat arrays."""
        return [kernel[:, run].flatten().cpu().numpy() for kernel in self.network.kernels]

    def alone(self) -> Network:
        """The networks with nothing but the subnetworks."""
        return self.network.with_kernels([k * mask for k, mask in zip(self.network.kernels, self.masks)])

    def ablated(self) -> Network:
        """The networks without the subnetworks, whose weights are set to 0."""
        return self.network.with_kernels([k * ~mask for k, mask in zip(self.network.kernels, self.masks)])

    def redrawn(self, draw: int = 0) -> Network:
        """The networks with the weights of each subnetwork permuted at random, within a layer and module.

        A layer keeps all its values, so that only the knowledge is lost which weight stands where. A draw from the
        initial distribution, whose weights are several times smaller than trained ones, is nearly an ablation
        by 0.
        """
        return _permuted(self.network, self.masks, draw)

    def unrelated(self, bins: int = 1) -> "Subnetworks":
        """Subnetworks drawn at random with as many weights in every layer and module, for comparison.

        bins: with more than one, as many in each part of equal number of a layer's weights ordered by size.
        """
        masks = [mask.clone() for mask in self.masks]
        for entry, module in np.ndindex(self.network.runs, len(self.network.outputs)):
            key = (4, 0, entry, module)
            rng = np.random.default_rng(np.random.SeedSequence(self.network.seeds[entry], spawn_key=key))
            for mask, kernel in zip(masks, self.network.kernels):
                order = torch.argsort(kernel[module, entry].abs().flatten(), stable=True)
                chosen = mask[module, entry].flatten()
                for part in torch.tensor_split(order, bins):
                    chosen[part] = chosen[part[torch.from_numpy(rng.permutation(len(part)))]]
                mask[module, entry] = chosen.view_as(mask[module, entry])
        return replace(self, masks=masks)

    def largest(self) -> "Subnetworks":
        """Subnetworks of as many weights in every layer and module, the largest ones: pruning by magnitude."""
        masks = [mask.clone() for mask in self.masks]
        for mask, kernel in zip(masks, self.network.kernels):
            for place in np.ndindex(*mask.shape[:2]):
                order = torch.argsort(kernel[place].abs().flatten(), descending=True, stable=True)
                chosen = torch.zeros(mask[place].numel(), dtype=torch.bool)
                chosen[order[: int(mask[place].sum())]] = True
                mask[place] = chosen.view_as(mask[place])
        return replace(self, masks=masks)

    def without_the_other(self) -> Network:
        """The networks without the weights that the other subroutine's subnetwork keeps and this one does not."""
        kernels = []
        for kernel, mask in zip(self.network.kernels, self.masks):
            stacked = mask.unflatten(1, self.shape)
            only_other = (stacked.flip(2) & ~stacked).flatten(1, 3)
            kernels.append(kernel * ~only_other)
        return self.network.with_kernels(kernels)

    def errors(self, network: Network, composites: Composites) -> np.ndarray:
        """Normalised errors of one of these networks on both blocks, (μ, subroutines, runs, 2)."""
        return errors(network, composites).reshape(*self.shape, 2)


def shuffled(network: Network) -> Network:
    """The networks with all kernels permuted at random, within a layer and module: sizes as trained, no order."""
    return _permuted(network, [torch.ones_like(k, dtype=torch.bool) for k in network.kernels], 0)


def errors(network: Network, composites: Composites) -> np.ndarray:
    """Normalised errors of every run on both blocks, (runs, 2)."""
    # the chunk is twice as quick as fewer images, for large stacks
    return network.errors(*_tensors(composites, network), chunk=32)


def tuned(network: Network, composites: Composites, subroutine: str, steps: int) -> Network:
    """The networks with kernels trained on for one subroutine alone, by plain gradient descent; readouts stay.

    The learning rate is the network's, on the block's summed squared error as in training; batches are those of the
    search for the subroutine's mask.
    """
    kind = SUBROUTINES.index(subroutine)
    images, labels = _tensors(composites, network)
    weights = images.new_tensor([[kind == 0, kind == 1]])
    order = _Order([(seed, (kind,)) for seed in network.seeds], 1, len(images), network.settings.batch)
    changed = network.with_kernels([kernel.clone() for kernel in network.kernels])
    for step in range(steps):
        index = order(step).to(images.device)
        gradients = changed.kernel_gradients(images[index], labels[index], weights)
        for kernel, gradient in zip(changed.kernels, gradients):
            kernel.sub_(gradient, alpha=network.settings.learning_rate)
    return changed


def _permuted(network: Network, masks: list[torch.Tensor], draw: int) -> Network:
    """The networks with the weights inside the masks permuted, by the run's seed and the draw."""
    kernels = [kernel.clone() for kernel in network.kernels]
    for module, run in np.ndindex(len(network.outputs), network.runs):
        key = (3, draw, module, run)
        rng = np.random.default_rng(np.random.SeedSequence(network.seeds[run], spawn_key=key))
        for kernel, mask in zip(kernels, masks):
            inside = mask[module, run]
            values = kernel[module, run][inside]
            kernel[module, run][inside] = values[torch.from_numpy(rng.permutation(len(values)))]
    return network.with_kernels(kernels)


def find(
    network: Network,
    composites: Composites,
    settings: Sparsification | None = None,
    *,
    subroutines: Iterable[str] = SUBROUTINES,
    penalties: Iterable[float] | None = None,
    batch: int = 16,
    progress: bool = False,
) -> Subnetworks:
    """The subnetworks of every run of a network, one for each μ of penalties (those of the settings by default).

    μ is the price of a weight in units of the block's normalised error, which is 1 for outputs that are all 0:
    roughly, a weight stays if the error without it is higher by more than μ. Each entry sees the composites in
    an order of its own, drawn from the run's seed for its subroutine, `batch` at a time. A subroutine that is
    named again gets another order, which shows how far a mask is a matter of chance. Equal arguments give equal
    masks.
    Raises ValueError for an unknown subroutine, and as find_masks does.
    """
    settings = settings or Sparsification()
    penalties = [settings.penalty] if penalties is None else list(penalties)
    subroutines = list(subroutines)
    if not penalties or not subroutines:
        raise ValueError(
            f"{len(penalties)} penalties and {len(subroutines)} subroutines; give at least one each"
        )
    for name in subroutines:
        check_choice("subroutine", name, SUBROUTINES)
    check_count("batch", batch)
    kinds = [SUBROUTINES.index(name) for name in subroutines]
    runs = range(network.runs)
    entries = [(price, kind, run) for price in penalties for kind in kinds for run in runs]
    repeated = network.take([run for *_, run in entries])
    images, labels = _tensors(composites, network)
    scale = images.new_tensor([1 / network.digits, 1 / network.r**2])
    weights = torch.stack([scale * (torch.arange(2, device=scale.device) == kind) for _, kind, _ in entries])
    places = [(kind, *[1] * kinds[:place].count(kind)) for place, kind in enumerate(kinds)]
    keys = [(network.seeds[run], place) for place in places for run in runs]
    order = _Order(keys, len(penalties), len(images), batch)

    stack = (len(network.outputs), len(entries))

    def gradients(masked: list[torch.Tensor], step: int) -> list[torch.Tensor]:
        index = order(step).to(images.device)
        whole = repeated.with_kernels([kernel.unflatten(0, stack) for kernel in masked])
        found = whole.kernel_gradients(images[index], labels[index], weights)
        return [gradient.flatten(0, 1) for gradient in found]

    prices = [price for price, *_ in entries] * len(network.outputs)
    flat = [kernel.flatten(0, 1) for kernel in repeated.kernels]
    masks = find_masks(flat, gradients, settings, penalties=prices, progress=progress)
    return Subnetworks(penalties, subroutines, repeated, [mask.unflatten(0, stack) for mask in masks])


class _Order:
    """The batches: every key, a seed and a place, has its own order, which all μ share."""

    def __init__(self, keys: list[tuple[int, tuple[int, ...]]], repetitions: int, n: int, batch: int) -> None:
        if n < batch:
            raise ValueError(
                f"{n} composites are less than a batch of {batch}; take more, or a smaller batch"
            )
        self.keys, self.repetitions, self.n, self.batch = keys, repetitions, n, batch
        self._epoch = lru_cache(maxsize=1)(self._draw)

    def __call__(self, step: int) -> torch.Tensor:
        epoch, place = divmod(step, self.n // self.batch)
        return self._epoch(epoch)[:, place * self.batch : (place + 1) * self.batch]

    def _draw(self, epoch: int) -> torch.Tensor:
        sequences = [np.random.SeedSequence(seed, spawn_key=(2, *place, epoch)) for seed, place in self.keys]
        orders = [np.random.default_rng(sequence).permutation(self.n) for sequence in sequences]
        return torch.from_numpy(np.stack(orders)).repeat(self.repetitions, 1)


def _tensors(composites: Composites, network: Network) -> tuple[torch.Tensor, torch.Tensor]:
    like = network.kernels[0]
    images = torch.from_numpy(np.ascontiguousarray(composites.images))
    labels = torch.from_numpy(np.ascontiguousarray(composites.labels))
    return images.to(like.device, PRECISIONS[network.settings.precision]), labels.to(like.device)
