"""Exact convolution of many networks at once, as products with small Fourier matrices.

The kernels of Compositional MNIST are up to 9 × 27 pixels large, so a convolution costs far less as a product
of spectra. A spectrum of so few pixels is best taken by multiplying with the matrix of the Fourier transform:
all is then made of large real matrix products, on any device, and pixels outside a kernel cost nothing.
"""

import math

import torch

from lib.convolutional.settings import Size

Spectrum = tuple[torch.Tensor, torch.Tensor]  # real and imaginary parts, (runs, frequencies, ., .)


class Convolution:
    """The valid cross-correlation y[i] = Σₖ x[i + k] w[k] of stacked runs, and its gradients.

    Pixels come first, so that no product needs its factors rearranged:
    x (runs, height, width, batch, channels), w (runs, rows, columns, channels, filters),
    y (runs, height − rows + 1, width − columns + 1, batch, filters).
    An input that all runs share may have runs = 1 if it has one channel.
    """

    def __init__(
        self,
        size: Size,
        kernel: Size,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        if any(k < 1 or k > n for n, k in zip(size, kernel, strict=True)):
            raise ValueError(f"a kernel of {kernel} does not fit an image of {size}; take a smaller one")
        self.output = (size[0] - kernel[0] + 1, size[1] - kernel[1] + 1)
        self.frequencies = size[0] * (size[1] // 2 + 1)
        self._input, self._kernel, self._result = (
            _Transform(size, support, dtype, device) for support in (size, kernel, self.output)
        )

    def spectrum(self, w: torch.Tensor) -> Spectrum:
        """The spectrum of the kernels, which __call__ and backward take."""
        return self._kernel.there(w)

    def __call__(self, x: torch.Tensor, kernel: Spectrum) -> tuple[torch.Tensor, Spectrum]:
        """y, and the spectrum of x for backward; kernel: what spectrum(w) gave."""
        spectrum = self._input.there(x)
        (x_re, x_im), (w_re, w_im) = spectrum, kernel
        y_re = _add_product(_product(x_re, w_re), x_im, w_im)
        y_im = _add_product(_product(x_im, w_re), x_re, w_im, -1)
        return self._result.back(y_re, y_im), spectrum

    def backward(
        self, g: torch.Tensor, spectrum: Spectrum, kernel: Spectrum | None = None
    ) -> tuple[torch.Tensor | None, torch.Tensor]:
        """The gradients of x (None without the kernel) and of w, from the gradient g of y."""
        (x_re, x_im), (g_re, g_im) = spectrum, self._result.there(g)
        w_re = _add_product(_product(x_re.mT, g_re), x_im.mT, g_im)
        w_im = _add_product(_product(x_im.mT, g_re), x_re.mT, g_im, -1)
        gradient = self._kernel.back(w_re, w_im)
        if kernel is None:
            return None, gradient
        w_re, w_im = (part.mT for part in kernel)
        x_re = _add_product(_product(g_re, w_re), g_im, w_im, -1)
        x_im = _add_product(_product(g_im, w_re), g_re, w_im)
        return self._input.back(x_re, x_im), gradient


class _Transform:
    """The real Fourier transform of images that are zero outside the first rows and columns, there and back.

    Spectra are pairs (real, imaginary) of shape (runs, frequencies, ., .); only columns' frequencies from 0 to
    half of the width are kept, the rest being their conjugates.
    """

    def __init__(self, size: Size, support: Size, dtype: torch.dtype, device: torch.device | str) -> None:
        (height, width), (self.rows, self.columns) = size, support
        self.up, self.across = height, width // 2 + 1
        cos, sin = _waves(width, self.across, self.columns)
        twice = torch.full((self.across, 1), 2.0, dtype=torch.float64)
        twice[0] = 1
        if width % 2 == 0:
            twice[-1] = 1
        scale = twice / (height * width)
        self._across = torch.cat([cos, -sin]).to(device, dtype)
        self._across_back = torch.cat([scale * cos, -scale * sin]).mT.contiguous().to(device, dtype)
        cos, sin = _waves(height, height, self.rows)
        self._up_re = _interleave(cos, sin).to(device, dtype)
        self._up_im = _interleave(-sin, cos).to(device, dtype)
        self._up_back_re, self._up_back_im = (up.mT.contiguous() for up in (self._up_re, self._up_im))

    def there(self, x: torch.Tensor) -> Spectrum:
        runs, inner = x.shape[0], x.shape[3:]
        part = _each(self._across, x.reshape(runs * self.rows, self.columns, -1))
        part = part.reshape(runs, 2 * self.rows, -1)
        shape = (runs, self.up * self.across, *inner)
        return _each(self._up_re, part).reshape(shape), _each(self._up_im, part).reshape(shape)

    def back(self, re: torch.Tensor, im: torch.Tensor) -> torch.Tensor:
        runs, inner = re.shape[0], re.shape[2:]
        part = _each(self._up_back_re, re.reshape(runs, self.up, -1))
        part.baddbmm_(self._up_back_im.expand(runs, -1, -1), im.reshape(runs, self.up, -1))
        part = part.reshape(runs * self.rows, 2 * self.across, -1)
        return _each(self._across_back, part).reshape(runs, self.rows, self.columns, *inner)


def _waves(n: int, frequencies: int, positions: int) -> tuple[torch.Tensor, torch.Tensor]:
    """cos and sin of 2π f p/n, (frequencies, positions)."""
    turns = torch.outer(torch.arange(frequencies), torch.arange(positions)) % n
    angle = turns.to(torch.float64) * (2 * math.pi / n)
    return angle.cos(), angle.sin()


def _interleave(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Columns a₀ b₀ a₁ b₁ …"""
    return torch.stack([a, b], dim=2).flatten(1)


def _each(matrix: torch.Tensor, stack: torch.Tensor) -> torch.Tensor:
    return torch.bmm(matrix.expand(len(stack), -1, -1), stack)


def _product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """a @ b for stacks of matrices (runs, frequencies, ., .)."""
    if a.shape[-1] == 1:  # one channel: elementwise is faster, and shared inputs spread over the runs
        return a * b
    return torch.bmm(a.flatten(0, 1), b.flatten(0, 1)).unflatten(0, a.shape[:2])


def _add_product(total: torch.Tensor, a: torch.Tensor, b: torch.Tensor, factor: int = 1) -> torch.Tensor:
    """total + factor · a @ b, in place."""
    if a.shape[-1] == 1:
        return total.addcmul_(a, b, value=factor)
    total.flatten(0, 1).baddbmm_(a.flatten(0, 1), b.flatten(0, 1), alpha=factor)
    return total
