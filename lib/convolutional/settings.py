"""Everything that decides about the training of a convolutional network but its data and its seeds."""

import math
from dataclasses import asdict, dataclass
from numbers import Integral

import torch

from lib.validation import check_choice

ARCHITECTURES = ("dense", "split", "digits", "parts")
OPTIMISERS = ("sgd", "adam")
PRECISIONS = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Settings:
    """The paper's values by default.

    Architectures, by their modules: "dense", one for all outputs; "split", one for the compositional outputs and
    one for the others; "digits", one for each digit, with no other outputs; "parts", the same, but each module
    sees only its digit's part of the image.
    """

    architecture: str = "dense"
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
    shaping: tuple = (
        1.0,
        1.0,
    )  # factors on what each block's errors contribute to the convolutions' gradient

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
        object.__setattr__(self, "shaping", tuple(self.shaping))
        if not self.kernels or any(len(kernel) != 2 or min(kernel) < 1 for kernel in self.kernels):
            raise ValueError(f"kernels = {self.kernels} must be pairs of rows and columns, at least one")
        if len(self.shaping) != 2 or not all(
            math.isfinite(factor) and factor >= 0 for factor in self.shaping
        ):
            raise ValueError(f"shaping = {self.shaping} must be two factors, finite and at least 0")

    def as_dict(self) -> dict:
        """All settings; the defaults of the last two go without saying, as in records older than the choice."""
        settings = asdict(self)
        for name in ("optimiser", "shaping"):
            if getattr(self, name) == getattr(Settings, name):
                del settings[name]
        return settings

    def outputs(self, digits: int) -> tuple:
        """Number of outputs of every module."""
        if self.architecture in ("digits", "parts"):
            return (10,) * digits
        blocks = (10 * digits, 10**digits)
        return blocks if self.architecture == "split" else (sum(blocks),)

    def view(self, image: tuple, digits: int) -> tuple:
        """Height and width of what a module sees of an image."""
        height, width = image
        return (height, width // digits if self.architecture == "parts" else width)

    def sizes(self, view: tuple) -> list:
        """Height and width of what a module sees and after every convolution; ValueError for too large kernels."""
        sizes = [tuple(view)]
        for kernel in self.kernels:
            sizes.append(tuple(n - k + 1 for n, k in zip(sizes[-1], kernel)))
            if min(sizes[-1]) < 1:
                raise ValueError(
                    f"a kernel of {kernel} does not fit {sizes[-2]} pixels (image {tuple(view)}, kernels "
                    f"{self.kernels}); take smaller kernels"
                )
        return sizes

    def shapes(self, image: tuple, digits: int) -> list:
        """Shapes of a module's parameters, a list a module: kernels and biases in turn, then the readout's."""
        height, width = self.sizes(self.view(image, digits))[-1]
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
