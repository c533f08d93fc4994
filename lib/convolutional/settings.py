"""Everything that decides about the training of a convolutional network but its data and its seeds."""

import math
from dataclasses import asdict, dataclass

import torch

from lib.validation import check_choice, check_count, check_positive

ARCHITECTURES = ("dense", "split", "digits", "parts")
OPTIMISERS = ("sgd", "adam")
Size = tuple[int, int]  # height and width
Kernels = tuple[Size, ...]
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
    kernels: Kernels = ((9, 27), (7, 21), (5, 15))  # rows and columns of every convolution
    learning_rate: float = 2e-3  # of the optimiser, on the batch mean of the summed squared error
    batch: int = 16  # images a step
    epochs: int = 300
    init_std: float = 0.01  # standard deviation of the convolutions' initial weights and biases
    readout_std: float = 0.01  # of the last layer's
    precision: str = "float32"  # or "float64"
    tf32: bool = False  # let a GPU round factors to 10 bits; spectra add up, so that the error would show
    optimiser: str = "sgd"  # plain gradient descent; or "adam", with the constants of torch.optim
    shaping: tuple[float, float] = (1.0, 1.0)  # factors on each block's errors in the convolutions' gradient

    def __post_init__(self) -> None:
        check_choice("architecture", self.architecture, ARCHITECTURES)
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("optimiser", self.optimiser, OPTIMISERS)
        for name in ("channels", "batch", "epochs"):
            check_count(name, getattr(self, name))
        for name in ("learning_rate", "init_std", "readout_std"):
            check_positive(name, getattr(self, name))
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

    def outputs(self, digits: int) -> tuple[int, ...]:
        """Number of outputs of every module."""
        if self.architecture in ("digits", "parts"):
            return (10,) * digits
        blocks = (10 * digits, 10**digits)
        return blocks if self.architecture == "split" else (sum(blocks),)

    def view(self, image: Size, digits: int) -> Size:
        """Height and width of what a module sees of an image."""
        height, width = image
        return (height, width // digits if self.architecture == "parts" else width)

    def sizes(self, view: Size) -> list[Size]:
        """Height and width of what a module sees and after every convolution; ValueError for too large kernels."""
        sizes = [(view[0], view[1])]
        for kernel in self.kernels:
            sizes.append((sizes[-1][0] - kernel[0] + 1, sizes[-1][1] - kernel[1] + 1))
            if min(sizes[-1]) < 1:
                raise ValueError(
                    f"a kernel of {kernel} does not fit {sizes[-2]} pixels (image {tuple(view)}, kernels "
                    f"{self.kernels}); take smaller kernels"
                )
        return sizes

    def shapes(self, image: Size, digits: int) -> list[list[tuple[int, ...]]]:
        """Shapes of the parameters, one list for each module: kernels and biases in turn, then the readout's."""
        height, width = self.sizes(self.view(image, digits))[-1]
        inputs = [1] + [self.channels] * (len(self.kernels) - 1)
        trunk: list[tuple[int, ...]] = [
            shape
            for kernel, channels in zip(self.kernels, inputs)
            for shape in ((*kernel, channels, self.channels), (self.channels,))
        ]
        features = height * width * self.channels
        return [[*trunk, (features, outputs), (outputs,)] for outputs in self.outputs(digits)]

    def parameters(self, image: Size, digits: int) -> int:
        """Number of weights and biases of one network."""
        return sum(math.prod(shape) for module in self.shapes(image, digits) for shape in module)
