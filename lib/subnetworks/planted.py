"""Networks whose subroutines live in known weights, to try a search for subnetworks on.

The modules of a network are hidden in a larger dense one, which computes the same: from a split network, two
subroutines in disjoint weights; from a dense one, two that share a trunk.
"""

from dataclasses import replace

import numpy as np
import torch

from lib.convolutional.networks import Network
from lib.subnetworks.convolutional import SUBROUTINES, Subnetworks
from lib.subnetworks.overlap import precision_and_recall
from lib.validation import check_count

SILENT = -1e3  # bias of channels that no input excites


def prune(found: Subnetworks) -> Network:
    """The networks with those weights alone that any of the subnetworks at the first μ keeps.

    In these networks few weights are superfluous, so that a search should find most of them again.
    """
    network = found.network.take(range(found.shape[-1]))
    union = [mask.unflatten(1, found.shape)[:, 0].any(1) for mask in found.masks]
    return network.with_kernels([kernel * mask for kernel, mask in zip(network.kernels, union)])


def embed(network: Network, image: tuple, spare: int = 8, seed: int = 0) -> tuple:
    """A dense network that computes what the network does, and the weights with which it does so.

    Every module keeps its kernels, on channels of its own; in every layer the channels are numbered at random.
    To these come `spare` channels, which change no output though their weights are as large as the modules' own:
    into every one of them lead random weights from all channels. Half of them are silent, with random weights to
    all channels; the others are active, with weights to spare channels only. Only what would change the function
    is 0: weights from a module to another, and from an active spare channel to a module.
    Returns the network and two lists of masks, each as its kernels: the weights other than 0 on which the
    compositional, and the other, block depends. image: height and width. spare: at least 2.
    """
    check_count("spare", spare, 2)  # one silent and one active channel
    modules, own = len(network.outputs), network.settings.channels
    channels = modules * own + spare
    settings = replace(network.settings, architecture="dense", channels=channels)
    made = Network(settings, image, network.digits, network.r, network.seeds)
    truth = [[torch.zeros_like(kernel, dtype=torch.bool) for kernel in made.kernels] for _ in SUBROUTINES]
    for run, run_seed in enumerate(network.seeds):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(run_seed,)))
        orders = [torch.from_numpy(rng.permutation(channels)) for _ in made.kernels]
        for layer, (order, kernels) in enumerate(zip(orders, made.kernels)):
            before = orders[layer - 1] if layer else None
            parts = list(network.kernels[layer][:, run])
            kernel, owner = _assembled(parts, spare, first=layer == 0, rng=rng)
            kernels[0, run] = _placed(kernel, order, before)
            owner = _placed(owner, order, before)
            for block, masks in enumerate(truth):
                masks[layer][0, run] = (owner == min(block, modules - 1)) & (kernels[0, run] != 0)
            biases = made.biases[layer][0, run]
            biases.fill_(0)
            biases[order[modules * own :: 2]] = SILENT
            biases[order[: modules * own]] = network.biases[layer][:, run].flatten()
        _read(made, network, run, orders[-1])
    return made, truth


def _assembled(
    parts: list[torch.Tensor], spare: int, first: bool, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """A kernel with modules and spare channels in order, and the module that owns each weight, -1 for none."""
    rows, columns, inputs, own = parts[0].shape
    used = len(parts) * own
    like = torch.stack(parts)
    noise = rng.standard_normal((rows, columns, inputs if first else used + spare, used + spare))
    kernel = torch.from_numpy(noise).to(like.dtype) * like[like != 0].std()
    owner = torch.full_like(kernel, -1, dtype=torch.int64)
    if not first:
        kernel[:, :, :used, :used] = 0
        kernel[:, :, used + 1 :: 2, :used] = 0
    for module, part in enumerate(parts):
        place = slice(module * own, (module + 1) * own)
        kernel[:, :, slice(None) if first else place, place] = part
        owner[:, :, slice(None) if first else place, place] = module
    return kernel, owner


def _placed(kernel: torch.Tensor, order: torch.Tensor, before: torch.Tensor | None) -> torch.Tensor:
    """The kernel with its channels renumbered: channel c becomes order[c], its inputs before[c]."""
    placed = torch.empty_like(kernel)
    placed[..., order] = kernel
    if before is None:
        return placed
    result = torch.empty_like(kernel)
    result[..., before, :] = placed
    return result


def _read(made: Network, network: Network, run: int, order: torch.Tensor) -> None:
    """Every block of outputs reads the channels of its module."""
    own, outputs = network.settings.channels, made.readouts[0].shape[2]
    readout = made.readouts[0][run].view(-1, made.settings.channels, outputs)
    readout.fill_(0)
    column = 0
    for module, (weights, offset) in enumerate(zip(network.readouts, network.offsets)):
        block = slice(column, column + weights.shape[2])
        place = order[module * own : (module + 1) * own]
        readout[:, place, block] = weights[run].view(-1, own, weights.shape[2])
        made.offsets[0][run, :, block] = offset[run]
        column = block.stop


def recovered(found: Subnetworks, truth: list[list[torch.Tensor]]) -> tuple:
    """Share of the found weights that are true, and of the true ones that are found; both (μ, subroutines, runs).

    truth: as from embed, for the subroutines in the order of SUBROUTINES. nan where nothing was found.
    """
    precision, recall = np.full((2, *found.shape), np.nan)
    for penalty, subroutine, run in np.ndindex(*found.shape):
        block = SUBROUTINES.index(found.subroutines[subroutine])
        true = np.concatenate([layer[0, run].flatten().numpy() for layer in truth[block]])
        mask = np.concatenate(found.layers(penalty, subroutine, run))
        place = penalty, subroutine, run
        precision[place], recall[place] = precision_and_recall(mask, true)
    return precision, recall
