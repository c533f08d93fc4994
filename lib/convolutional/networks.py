"""Dense and modular convolutional networks on Compositional MNIST, any number of runs trained at once.

All modules of all runs are stacked: parameters have the axes (modules, runs, ...). Gradients are written out by
hand: they reuse the spectra of the forward pass, and no graph has to be kept.
"""

import math
from collections.abc import Iterable, Sequence
from copy import copy

import numpy as np
import torch

from lib.convolutional.convolution import Convolution, Spectrum
from lib.convolutional.settings import PRECISIONS, Settings, Size
from lib.validation import Seeds, check_seeds

CHUNK = {"cpu": 128, "cuda": 4096}  # images times stacked modules that evaluation holds at a time
COMPOSITIONAL, NONCOMPOSITIONAL, DIGITS_RIGHT, NUMBER_RIGHT = range(4)  # what `scores` gives

Kept = tuple[
    torch.Tensor, Spectrum, Spectrum
]  # of a layer: its activity, and the spectra of input and kernels
Gradients = tuple[torch.Tensor, torch.Tensor]  # of a layer: of its kernels and of its biases


class Network:
    """Stacked networks, one for each seed; a run depends on its own seed only.

    image: height and width. The parameters change in place: kernels[l] (modules, runs, rows, columns, channels,
    filters), biases[l] (modules, runs, filters), readouts[m] (runs, features, outputs), offsets[m] (runs, 1,
    outputs); features count rows, columns and filters, the last fastest.
    """

    def __init__(
        self,
        settings: Settings,
        image: Size,
        digits: int,
        r: float,
        seeds: Seeds,
        device: torch.device | str = "cpu",
    ) -> None:
        self.settings, self.digits, self.r, self.seeds = settings, digits, r, check_seeds(seeds)
        self.runs, self.outputs = len(self.seeds), settings.outputs(digits)
        dtype = PRECISIONS[settings.precision]
        sizes = settings.sizes(settings.view(image, digits))
        self.layers = [
            Convolution(size, kernel, dtype, device) for size, kernel in zip(sizes, settings.kernels)
        ]
        drawn = [
            [self._draw(shapes, module, seed) for seed in self.seeds]
            for module, shapes in enumerate(settings.shapes(image, digits))
        ]
        stacks = [[torch.stack(parts).to(device) for parts in zip(*runs, strict=True)] for runs in drawn]
        trunk = [torch.stack(parts) for parts in zip(*(stack[:-2] for stack in stacks), strict=True)]
        self.kernels, self.biases = trunk[0::2], trunk[1::2]
        # outputs before features in memory: the update of one step is then three times as fast
        self.readouts = [stack[-2].mT.contiguous().mT for stack in stacks]
        self.offsets = [stack[-1].unsqueeze(1) for stack in stacks]
        self.optimiser = self._optimiser()

    def _optimiser(self) -> torch.optim.Optimizer | None:
        """What has a state of its own beside the parameters; None for plain gradient descent."""
        if self.settings.optimiser == "sgd":
            return None
        laid_out = [p if p.is_contiguous() else p.mT for p in self.parameters]
        return torch.optim.Adam(laid_out, lr=self.settings.learning_rate, fused=True)

    def _draw(self, shapes: list[tuple[int, ...]], module: int, seed: int) -> list[torch.Tensor]:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, module)))
        stds = [self.settings.init_std] * (len(shapes) - 2) + [self.settings.readout_std] * 2
        draws = [rng.standard_normal(shape, np.float32) for shape in shapes]  # the same in either precision
        dtype = PRECISIONS[self.settings.precision]
        return [(torch.from_numpy(draw).double() * std).to(dtype) for draw, std in zip(draws, stds)]

    @property
    def parameters(self) -> list[torch.Tensor]:
        return [*self.kernels, *self.biases, *self.readouts, *self.offsets]

    def load(self, parameters: Iterable[torch.Tensor]) -> None:
        for mine, other in zip(self.parameters, parameters, strict=True):
            mine.copy_(other.view(mine.shape))

    def take(self, runs: Iterable[int]) -> "Network":
        """Copies of the runs of these numbers, counted from 0; a run may come more than once."""
        runs = torch.as_tensor(runs)
        taken = copy(self)
        taken.seeds, taken.runs = [self.seeds[run] for run in runs], len(runs)
        taken.kernels, taken.biases = ([p[:, runs] for p in stack] for stack in (self.kernels, self.biases))
        taken.readouts, taken.offsets = ([p[runs] for p in stack] for stack in (self.readouts, self.offsets))
        taken.optimiser = taken._optimiser()
        return taken

    def with_kernels(self, kernels: Iterable[torch.Tensor]) -> "Network":
        """The same networks with other kernels; all else is shared, not copied."""
        changed = copy(self)
        changed.kernels = list(kernels)
        return changed

    def bytes(self) -> int:
        """About the most memory that parameters and one step need: spectra, activations, gradients.

        At the paper's settings 103 MB a dense run and 73 MB a split run, beside 0.2 GB of images.
        """
        weights = sum(p.numel() for p in self.parameters)
        batch, channels, stack = self.settings.batch, self.settings.channels, len(self.outputs) * self.runs
        step = 0
        for layer, kernel in zip(self.layers, self.kernels):
            inputs = kernel.shape[-2]
            values = 2 * batch * (inputs + channels) + 4 * inputs * channels
            step += stack * (2 * layer.frequencies * values + 4 * math.prod(layer.output) * batch * channels)
        return (weights + step) * self.readouts[0].element_size()

    @torch.no_grad()
    def predict(self, images: torch.Tensor, spectra: list[Spectrum] | None = None) -> torch.Tensor:
        """(runs, batch, outputs) for images (batch, height, width), which all runs see."""
        return self._forward(images[None], spectra, shared=True)[0]

    def spectra(self) -> list[Spectrum]:
        """The kernels' spectra, for several calls of predict with the same parameters."""
        return [layer.spectrum(kernel.flatten(0, 1)) for layer, kernel in zip(self.layers, self.kernels)]

    def _views(self, images: torch.Tensor, shared: bool) -> torch.Tensor:
        """What every module sees, (modules · runs, batch, height, width), or (1, ...) if all see the same."""
        modules = len(self.outputs)
        if self.settings.architecture == "parts":
            parts = images.unflatten(-1, (modules, -1)).movedim(-2, 0)
            return parts.expand(-1, self.runs, -1, -1, -1).flatten(0, 1)
        return images if shared else images.repeat(modules, 1, 1, 1)

    def _forward(
        self, images: torch.Tensor, spectra: list[Spectrum] | None = None, shared: bool = False
    ) -> tuple[torch.Tensor, Sequence[torch.Tensor], list[Kept]]:
        """Predictions, flattened features of every module, and what the backward pass needs of each layer.

        images (runs, batch, height, width), or (1, ...) if shared by all runs, where no gradient is asked for.
        """
        x, kept = self._views(images, shared).permute(0, 2, 3, 1).unsqueeze(-1), []
        for layer, kernel, bias in zip(self.layers, spectra or self.spectra(), self.biases):
            y, spectrum = layer(x, kernel)
            x = y.add_(bias.flatten(0, 1)[:, None, None, None]).clamp_(min=0)
            kept.append((x, spectrum, kernel))
        parts = x.permute(0, 3, 1, 2, 4).flatten(2).split(self.runs)
        predictions = [
            torch.bmm(part, readout).add_(offset)
            for part, readout, offset in zip(parts, self.readouts, self.offsets)
        ]
        return predictions[0] if len(predictions) == 1 else torch.cat(predictions, dim=2), parts, kept

    @torch.no_grad()
    def step(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """One step of the optimiser; images (runs, batch, height, width), labels (runs, batch, digits)."""
        errors, features, kept = self._forward(images)
        self._subtract_targets(errors, labels)
        rate = 2 * self.settings.learning_rate / images.shape[1]
        shaping = self.settings.shaping
        passed = errors if shaping == (1, 1) else self._weighted(errors, errors.new_tensor([shaping]))
        gradients = self._backward(passed, kept)
        parts = errors.split(self.outputs, dim=2)
        if self.optimiser:
            self._adapted(self.optimiser, gradients, parts, features, 2 / images.shape[1])
            return
        for error, part, readout, offset in zip(parts, features, self.readouts, self.offsets):
            readout.baddbmm_(part.mT, error, alpha=-rate)
            offset.sub_(error.sum(1, keepdim=True), alpha=rate)
        for kernel, bias, (for_kernel, for_bias) in zip(self.kernels, self.biases, gradients):
            kernel.sub_(for_kernel, alpha=rate)
            bias.sub_(for_bias, alpha=rate)

    def _adapted(
        self,
        optimiser: torch.optim.Optimizer,
        gradients: list[Gradients],
        errors: Sequence[torch.Tensor],
        features: Sequence[torch.Tensor],
        factor: float,
    ) -> None:
        """One step of an optimiser with a state of its own."""
        readouts = [error.mT @ part for error, part in zip(errors, features)]
        offsets = [error.sum(1, keepdim=True) for error in errors]
        found = [*(kernel for kernel, _ in gradients), *(bias for _, bias in gradients), *readouts, *offsets]
        for parameter, gradient in zip(optimiser.param_groups[0]["params"], found, strict=True):
            parameter.grad = gradient.mul_(factor)
        optimiser.step()

    @torch.no_grad()
    def kernel_gradients(self, images: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> list:
        """Gradients, with respect to every kernel, of a weighted sum of the two blocks' squared errors.

        A block's error is summed over its outputs and averaged over the batch. images and labels as in step;
        weights (runs, 2): of the compositional and of the other outputs' error.
        """
        errors, _, kept = self._forward(images)
        self._subtract_targets(errors, labels)
        weighted = self._weighted(errors, 2 / images.shape[1] * weights)
        return [for_kernel for for_kernel, _ in self._backward(weighted, kept)]

    def _weighted(self, errors: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """A copy with each block's errors times its weight; weights (runs or 1, 2)."""
        border = 10 * self.digits
        factors = [
            weights[:, :1].expand(-1, border),
            weights[:, 1:].expand(-1, errors.shape[2] - border),
        ]
        return errors * torch.cat(factors, dim=1)[:, None]

    def _backward(self, errors: torch.Tensor, kept: list[Kept]) -> list[Gradients]:
        """Gradients of half the summed squared errors: for every layer the kernels' and the biases'."""
        parts = errors.split(self.outputs, dim=2)
        gradients = [torch.bmm(error, readout.mT) for error, readout in zip(parts, self.readouts)]
        _, height, width, batch, channels = kept[-1][0].shape
        g = torch.cat(gradients).view(-1, batch, height, width, channels).permute(0, 2, 3, 1, 4)
        found, stack = [], (len(self.outputs), self.runs)
        for index in reversed(range(len(self.layers))):
            y, spectrum, kernel = kept[index]
            g = torch.ops.aten.threshold_backward(g, y, 0)
            change, gradient = self.layers[index].backward(g, spectrum, kernel if index else None)
            found.append((gradient.unflatten(0, stack), g.sum((1, 2, 3)).unflatten(0, stack)))
            g = g if change is None else change
        return found[::-1]

    def _subtract_targets(self, predictions: torch.Tensor, labels: torch.Tensor) -> None:
        """Turns predictions into errors; labels (runs, batch, digits), of all runs if 1."""
        place = torch.arange(self.digits, device=labels.device)
        border = 10 * self.digits
        wanted = [(labels + 10 * place, 1.0)]
        if predictions.shape[2] > border:
            wanted.append((_numbers(labels) + border, self.r))
        for index, value in wanted:
            index = index.expand(len(predictions), -1, -1)
            predictions.scatter_add_(2, index, torch.full_like(index, -value, dtype=predictions.dtype))

    @torch.no_grad()
    def scores(self, images: torch.Tensor, labels: torch.Tensor, chunk: int | None = None) -> np.ndarray:
        """Errors and hits of every run on every image (runs, n, 4), as float64.

        Of an image (n, height, width) that all runs see: the summed squared error of the compositional outputs,
        divided by the number of digits, and of the others, divided by r²; the share of digits whose output is the
        largest of its place, and whether that of the number is (1 or 0). What a network has no outputs for is nan.
        """
        chunk = chunk or max(1, CHUNK.get(images.device.type, 128) // (len(self.outputs) * self.runs))
        spectra, border, found = self.spectra(), 10 * self.digits, []
        for pictures, names in zip(images.split(chunk), labels.split(chunk)):
            outputs = self._forward(pictures[None], spectra, shared=True)[0]
            digits, rest = outputs[..., :border].unflatten(2, (-1, 10)), outputs[..., border:]
            right = (digits.argmax(3) == names).double().mean(2)
            named = (
                rest.argmax(2) == _numbers(names)[:, 0] if rest.shape[2] else torch.full_like(right, math.nan)
            )
            self._subtract_targets(outputs, names[None])
            errors = outputs.double().square_()
            comp = errors[..., :border].sum(2) / self.digits
            noncomp = errors[..., border:].sum(2) / self.r**2
            if not rest.shape[2]:
                noncomp = noncomp + math.nan
            found.append(torch.stack([comp, noncomp, right, named.double()], dim=2))
        return torch.cat(found, dim=1).cpu().numpy()

    def errors(self, images: torch.Tensor, labels: torch.Tensor, chunk: int | None = None) -> np.ndarray:
        """Normalised errors (runs, 2), the means over images of the errors that `scores` gives.

        1 for a network whose outputs are all 0.
        """
        return self.scores(images, labels, chunk)[..., :2].mean(axis=1)


def _numbers(labels: torch.Tensor) -> torch.Tensor:
    """The numbers (..., 1) that digits (..., digits) form."""
    place = torch.arange(labels.shape[-1], device=labels.device)
    return (labels * 10 ** place.flip(0)).sum(-1, keepdim=True)
