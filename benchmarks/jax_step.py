"""The published code's training step, written out plainly in JAX: a clock for benchmarks.convnets.

Runs under a Python of its own, which has JAX and numpy; it imports nothing of this repository. Arguments: image
height and width, kernels as rows×columns, channels, batch, outputs of each module. For every line on its
standard input it makes that many steps and prints the seconds they took.
"""

import sys
from time import perf_counter

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def predict(module, images):
    *convolutions, (readout, offset) = module
    for kernel, bias in convolutions:
        images = lax.conv_general_dilated(
            images, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        images = jax.nn.relu(images + bias)
    return images.reshape(len(images), -1) @ readout + offset


def loss(modules, images, targets):
    predictions = jnp.concatenate([predict(module, images) for module in modules], axis=1)
    return jnp.mean(jnp.sum((targets - predictions) ** 2, axis=1))


@jax.jit
def step(modules, images, targets, learning_rate=2e-3):
    gradients = jax.grad(loss)(modules, images, targets)
    return jax.tree.map(lambda weight, gradient: weight - learning_rate * gradient, modules, gradients)


def main():
    height, width, kernels, channels, batch, outputs = sys.argv[1:]
    height, width, channels, batch = int(height), int(width), int(channels), int(batch)
    outputs = [int(count) for count in outputs.split(",")]
    rng = np.random.default_rng(0)

    def normal(*shape):
        return jnp.asarray(rng.normal(0, 0.01, shape), jnp.float32)

    modules = []
    for count in outputs:
        module, rows, columns, inputs = [], height, width, 1
        for kernel in kernels.split(","):
            size = [int(side) for side in kernel.split("x")]
            module.append((normal(*size, inputs, channels), normal(channels)))
            rows, columns, inputs = rows - size[0] + 1, columns - size[1] + 1, channels
        module.append((normal(rows * columns * channels, count), normal(count)))
        modules.append(module)
    images = jnp.asarray(rng.random((batch, height, width, 1)), jnp.float32)
    targets = normal(batch, sum(outputs))
    modules = jax.block_until_ready(step(modules, images, targets))  # compiles
    print(jax.__version__, flush=True)
    for line in sys.stdin:
        start = perf_counter()
        for _ in range(int(line)):
            modules = step(modules, images, targets)
        jax.block_until_ready(modules)
        print(perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
