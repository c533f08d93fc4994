"""The paper's training on this device. `python -m benchmarks.device [--runs 10] [--steps 200] [--device cuda]`

Seconds an epoch for stacked runs, and the arithmetic that a direct convolution would have needed for them as a
share of what the device does in large float32 matrix products, measured here. Above 1 means that the spectral
convolution is faster than a direct one could be. No record is written: use it before a long run.
"""

import argparse
from time import perf_counter

import numpy as np
import torch

from lib.convolutional.experiments import PROFILES
from lib.convolutional.networks import Network
from lib.convolutional.training import stepper

TRIPLES = 20000  # of an epoch of the paper's


def matrix_rate(device, size, rounds=5):
    """Operations a second in float32 products of square matrices."""
    a, b = torch.randn(2, size, size, device=device)
    seconds = min(timed(device, lambda: a @ b) for _ in range(rounds))
    return 2 * size**3 / seconds


def timed(device, action):
    synchronize(device)
    start = perf_counter()
    action()
    synchronize(device)
    return perf_counter() - start


def synchronize(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def operations(settings, image, digits):
    """Operations that an image costs in a step with direct convolutions: forward and both gradients."""
    sizes, total, inputs = settings.sizes(image), 0, 1
    for index, (kernel, size) in enumerate(zip(settings.kernels, sizes[1:])):
        products = np.prod(kernel) * np.prod(size) * inputs * settings.channels
        total += products * (3 if index else 2)  # no gradient of the image is needed
        inputs = settings.channels
    features = np.prod(sizes[-1]) * inputs
    return 2 * sum(total + 3 * features * outputs for outputs in settings.outputs(digits))


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    device = torch.device(options.device)
    torch.set_float32_matmul_precision("highest")
    rate = matrix_rate(device, 8192 if device.type == "cuda" else 1024)
    print(f"{device}: {rate / 1e12:.3f} TFLOP/s in float32 matrix products")
    for label, case in PROFILES["paper"].cases.items():
        settings, image, digits = case.settings, (28, 84), case.task.digits
        network = Network(settings, image, digits, case.task.r, options.runs, device)
        images = torch.rand(1000, *image, device=device)
        labels = torch.randint(10, (1000, digits), device=device)
        step = stepper(network, images, labels)
        batches = torch.randint(1000, (options.steps, options.runs, settings.batch), device=device)
        step(batches[0])

        def train(step=step, batches=batches):
            for batch in batches:
                step(batch)

        seconds = timed(device, train) / options.steps
        direct = operations(settings, image, digits) * settings.batch * options.runs
        epoch = seconds * (TRIPLES // settings.batch)
        print(
            f"{label}: {1e3 * seconds:.2f} ms a step, {epoch:.1f} s an epoch of {options.runs} runs, "
            f"{epoch * settings.epochs / 60:.0f} min for {settings.epochs} epochs; "
            f"{operations(settings, image, digits) / 1e6:.0f} MFLOP an image, {direct / seconds / rate:.2f} of the rate"
        )
        if device.type == "cuda":
            print(f"  {torch.cuda.max_memory_allocated() / 2**20:.0f} MB at most on the GPU")


if __name__ == "__main__":
    main()
