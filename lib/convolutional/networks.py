"""Dense and split convolutional networks on Compositional MNIST, any number of runs trained at once.

A dense network is one module with all outputs; a split network has one module for the compositional outputs
and one, which sees the same image, for the others. All modules of all runs are stacked: entry
`module · runs + run` of a stack of parameters. Gradients are written out by hand: they reuse the spectra of the
forward pass, and no graph has to be kept.
"""

import math
from copy import copy
from dataclasses import asdict, dataclass
from numbers import Integral

import numpy as np
import torch

from lib.convolutional.convolution import Convolution
from lib.validation import check_choice, check_seeds

ARCHITECTURES = ("dense", "split")
PRECISIONS = {"float32": torch.float32, "float64": torch.float64}
OPTIMISERS = ("sgd", "adam")
CHUNK = {"cpu": 128, "cuda": 4096}  # images times stacked modules that evaluation holds at a time


@dataclass(frozen=True)
class Settings:
    """Everything that decides about a training but its data and its seeds; the paper's values by default."""

    architecture: str = "dense"  # or "split"
    channels: int = 32  # filters of every convolution of a module; the paper's split modules have 16
    kernels: tuple = ((9, 27), (7, 21), (5, 15))  # rows and columns of every convolution
    learning_rate: float = 2e-3  # of the optimiser, on the batch mean of the summed squared error
    batch: int = 16  # images a step
    epochs: int = 300
    init_std: float = 0.01  # standard deviation of the convolutions' initial weights and biases
    readout_std: float = 0.01  # of the last layer's
    precision: str = "float32"  # or "float64"
    tf32: bool = False  # let a GPU round factors to 10 bits; spectra add up, so that the error would show
    optimiser: str = "sgd"  # plain gradient descent; or "adam", with the constants of torch.optim

    def __post_init__(self):
        check_choice("architecture", self.architecture, ARCHITECTURES)
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("optimiser", self.optimiser, OPTIMISERS)
        for name in ("channels", "batch", "epochs"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
                raise ValueError(f"{name} = {value!r} is not an integer from 1 on")
        for name in ("learning_rate", "init_std", "readout_std"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name} = {getattr(self, name)!r} is not finite and positive")
        object.__setattr__(self, "kernels", tuple(tuple(kernel) for kernel in self.kernels))
        if not self.kernels or any(len(kernel) != 2 or min(kernel) < 1 for kernel in self.kernels):
            raise ValueError(f"kernels = {self.kernels} must be pairs of rows and columns, at least one")

    def as_dict(self) -> dict:
        """All settings; plain gradient descent goes without saying, as in records older than the choice."""
        settings = asdict(self)
        if self.optimiser == "sgd":
            del settings["optimiser"]
        return settings

    def outputs(self, digits: int) -> tuple:
        """Number of outputs of every module."""
        parts = (10 * digits, 10**digits)
        return parts if self.architecture == "split" else (sum(parts),)

    def sizes(self, image: tuple) -> list:
        """Height and width of the image and after every convolution; ValueError where a kernel is too large."""
        sizes = [tuple(image)]
        for kernel in self.kernels:
            sizes.append(tuple(n - k + 1 for n, k in zip(sizes[-1], kernel)))
            if min(sizes[-1]) < 1:
                raise ValueError(
                    f"a kernel of {kernel} does not fit {sizes[-2]} pixels (image {tuple(image)}, kernels "
                    f"{self.kernels}); take smaller kernels"
                )
        return sizes

    def shapes(self, image: tuple, digits: int) -> list:
        """Shapes of a module's parameters, a list a module: kernels and biases in turn, then the readout's."""
        height, width = self.sizes(image)[-1]
        inputs = [1] + [self.channels] * (len(self.kernels) - 1)
        trunk = [
            shape
            for kernel, channels in zip(self.kernels, inputs)
            for shape in ((*kernel, channels, self.channels), (self.channels,))
        ]
        features = height * width * self.channels
        return [[*trunk, (features, outputs), (outputs,)] for outputs in self.outputs(digits)]

    def parameters(self, image: tuple, digits: int) -> int:
        """Number of weights and biases of one network."""
        return sum(math.prod(shape) for module in self.shapes(image, digits) for shape in module)


class Network:
    """Stacked networks, one for each seed; a run depends on its own seed only.

    image: height and width. The parameters change in place: kernels[l] (modules·runs, rows, columns, channels,
    filters), biases[l] (modules·runs, filters), readouts[m] (runs, features, outputs), offsets[m] (runs, 1,
    outputs); features count rows, columns and filters, the last fastest.
    """

    def __init__(self, settings: Settings, image: tuple, digits: int, r: float, seeds, device="cpu"):
        self.settings, self.digits, self.r, self.seeds = settings, digits, r, check_seeds(seeds)
        self.runs, self.outputs = len(self.seeds), settings.outputs(digits)
        options = {"dtype": PRECISIONS[settings.precision], "device": torch.device(device)}
        sizes = settings.sizes(image)
        self.layers = [Convolution(size, kernel, **options) for size, kernel in zip(sizes, settings.kernels)]
        drawn = [
            [self._draw(shapes, module, seed) for seed in self.seeds]
            for module, shapes in enumerate(settings.shapes(image, digits))
        ]
        stacks = [[torch.stack(parts).to(**options) for parts in zip(*runs, strict=True)] for runs in drawn]
        trunk = [torch.cat(parts) for parts in zip(*(stack[:-2] for stack in stacks), strict=True)]
        self.kernels, self.biases = trunk[0::2], trunk[1::2]
        # outputs before features in memory: the update of one step is then three times as fast
        self.readouts = [stack[-2].mT.contiguous().mT for stack in stacks]
        self.offsets = [stack[-1].unsqueeze(1) for stack in stacks]
        self.optimiser = self._optimiser()

    def _optimiser(self):
        """What has a state of its own beside the parameters; None for plain gradient descent."""
        if self.settings.optimiser == "sgd":
            return None
        laid_out = [p if p.is_contiguous() else p.mT for p in self.parameters]
        return torch.optim.Adam(laid_out, lr=self.settings.learning_rate, fused=True)

    def _draw(self, shapes, module, seed):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, module)))
        stds = [self.settings.init_std] * (len(shapes) - 2) + [self.settings.readout_std] * 2
        draws = [rng.standard_normal(shape, np.float32) for shape in shapes]  # the same in either precision
        dtype = PRECISIONS[self.settings.precision]
        return [(torch.from_numpy(draw).double() * std).to(dtype) for draw, std in zip(draws, stds)]

    @property
    def parameters(self) -> list:
        return [*self.kernels, *self.biases, *self.readouts, *self.offsets]

    def load(self, parameters) -> None:
        for mine, other in zip(self.parameters, parameters, strict=True):
            mine.copy_(other)

    def take(self, runs) -> "Network":
        """Copies of the runs of these numbers, counted from 0; a run may come more than once."""
        runs = torch.as_tensor(runs)
        modules = torch.cat([runs + self.runs * module for module in range(len(self.outputs))])
        taken = copy(self)
        taken.seeds, taken.runs = [self.seeds[run] for run in runs], len(runs)
        taken.kernels, taken.biases = ([p[modules] for p in stack] for stack in (self.kernels, self.biases))
        taken.readouts, taken.offsets = ([p[runs] for p in stack] for stack in (self.readouts, self.offsets))
        taken.optimiser = taken._optimiser()
        return taken

    def with_kernels(self, kernels) -> "Network":
        """The same networks with other kernels; all else is shared, not copied."""
        changed = copy(self)
        changed.kernels = list(kernels)
        return changed

    def bytes(self) -> int:
        """About the most memory that parameters and one step need: spectra, activations, gradients.

        At the paper's settings 103 MB a dense run and 73 MB a split run, beside 0.2 GB of images.
        """
        weights = sum(p.numel() for p in self.parameters)
        batch, channels, stack = self.settings.batch, self.settings.channels, len(self.kernels[0])
        step = 0
        for layer, kernel in zip(self.layers, self.kernels):
            inputs = kernel.shape[3]
            values = 2 * batch * (inputs + channels) + 4 * inputs * channels
            step += stack * (2 * layer.frequencies * values + 4 * math.prod(layer.output) * batch * channels)
        return (weights + step) * self.readouts[0].element_size()

    @torch.no_grad()
    def predict(self, images, spectra=None):
        """(runs, batch, outputs) for images (batch, height, width), which all runs see."""
        return torch.cat(self._forward(images[None], spectra)[0], dim=2)

    def spectra(self):
        """The kernels' spectra, for several calls of predict with the same parameters."""
        return [layer.spectrum(kernel) for layer, kernel in zip(self.layers, self.kernels)]

    def _forward(self, images, spectra=None):
        """Predictions of every module, flattened features, and what the backward pass needs of each layer.

        images (modules·runs, batch, height, width), or (1, ...) if all see the same and no gradient is asked for.
        """
        kernels = spectra or self.spectra()
        x, kept = images.permute(0, 2, 3, 1).unsqueeze(-1), []
        for layer, kernel, bias in zip(self.layers, kernels, self.biases):
            y, spectrum = layer(x, kernel)
            x = y.add_(bias[:, None, None, None]).clamp_(min=0)
            kept.append((x, spectrum, kernel))
        features = x.permute(0, 3, 1, 2, 4).flatten(2)
        parts = features.split(self.runs)
        predictions = [
            torch.bmm(part, readout).add_(offset)
            for part, readout, offset in zip(parts, self.readouts, self.offsets)
        ]
        return predictions, parts, kept

    @torch.no_grad()
    def step(self, images, labels) -> None:
        """One step of the optimiser; images (runs, batch, height, width), labels (runs, batch, digits)."""
        predictions, features, kept = self._forward(images.repeat(len(self.outputs), 1, 1, 1))
        self._subtract_targets(predictions, labels)
        rate = 2 * self.settings.learning_rate / images.shape[1]
        gradients = self._backward(predictions, kept)
        if self.optimiser:
            readouts = [error.mT @ part for error, part in zip(predictions, features)]
            offsets = [error.sum(1, keepdim=True) for error in predictions]
            found = [
                *(kernel for kernel, _ in gradients),
                *(bias for _, bias in gradients),
                *readouts,
                *offsets,
            ]
            for parameter, gradient in zip(self.optimiser.param_groups[0]["params"], found, strict=True):
                parameter.grad = gradient.mul_(2 / images.shape[1])
            self.optimiser.step()
            return
        for error, part, readout, offset in zip(predictions, features, self.readouts, self.offsets):
            readout.baddbmm_(part.mT, error, alpha=-rate)
            offset.sub_(error.sum(1, keepdim=True), alpha=rate)
        for kernel, bias, (for_kernel, for_bias) in zip(self.kernels, self.biases, gradients):
            kernel.sub_(for_kernel, alpha=rate)
            bias.sub_(for_bias, alpha=rate)

    @torch.no_grad()
    def kernel_gradients(self, images, labels, weights) -> list:
        """Gradients, with respect to every kernel, of a weighted sum of the two blocks' summed squared errors.

        The sum is the batch's mean. images and labels as in step; weights (runs, 2): of the compositional and of
        the other outputs' error.
        """
        predictions, _, kept = self._forward(images.repeat(len(self.outputs), 1, 1, 1))
        self._subtract_targets(predictions, labels)
        for part, weight in zip(self._blocks(predictions), (2 / images.shape[1] * weights).unbind(1)):
            part.mul_(weight[:, None, None])
        return [for_kernel for for_kernel, _ in self._backward(predictions, kept)]

    def _backward(self, errors, kept):
        """Gradients of half the summed squared errors: for every layer the kernels' and the biases'."""
        gradients = [torch.bmm(error, readout.mT) for error, readout in zip(errors, self.readouts)]
        _, height, width, batch, channels = kept[-1][0].shape
        g = torch.cat(gradients).view(-1, batch, height, width, channels).permute(0, 2, 3, 1, 4)
        found = []
        for index in reversed(range(len(self.layers))):
            y, spectrum, kernel = kept[index]
            g = torch.ops.aten.threshold_backward(g, y, 0)
            change, gradient = self.layers[index].backward(g, spectrum, kernel if index else None)
            found.append((gradient, g.sum((1, 2, 3))))
            g = change
        return found[::-1]

    def _blocks(self, predictions):
        """Views of the compositional and of the other outputs."""
        if len(predictions) == 2:
            return predictions
        border = 10 * self.digits
        return predictions[0][..., :border], predictions[0][..., border:]

    def _subtract_targets(self, predictions, labels):
        """Turns predictions into errors; labels (runs, batch, digits), of all runs if 1."""
        place = torch.arange(self.digits, device=labels.device)
        numbers = (labels * 10 ** place.flip(0)).sum(-1, keepdim=True)
        first, last = predictions[0], predictions[-1]
        start = 10 * self.digits if len(predictions) == 1 else 0
        for outputs, index, value in ((first, labels + 10 * place, 1.0), (last, numbers + start, self.r)):
            index = index.expand(len(outputs), -1, -1)
            outputs.scatter_add_(2, index, torch.full_like(index, -value, dtype=outputs.dtype))

    @torch.no_grad()
    def errors(self, images, labels, chunk: int | None = None):
        """Normalised errors (runs, 2) on images (n, height, width) that all runs see, as float64.

        The mean over images of the summed squared error of the compositional outputs, divided by the number of
        digits, and of the others, divided by r²: 1 for a network whose outputs are all 0. Evaluated in chunks.
        """
        chunk = chunk or max(1, CHUNK.get(images.device.type, 128) // len(self.kernels[0]))
        spectra = self.spectra()
        total = torch.zeros(self.runs, 2, dtype=torch.float64, device=images.device)
        for pictures, names in zip(images.split(chunk), labels.split(chunk)):
            predictions = self._forward(pictures[None], spectra)[0]
            self._subtract_targets(predictions, names[None])
            for block, error in enumerate(self._blocks(predictions)):
                total[:, block] += error.double().square_().sum((1, 2))
        scale = total.new_tensor([self.digits, self.r**2]) * len(images)
        return (total / scale).cpu().numpy()
