"""Throughput of the convolutional training. `python -m benchmarks.convnets [--jax PYTHON]`

Side by side in one run, on as many processors as record.THREADS: a step of the stacked networks for one run and for
several stacked runs, a plain torch module with autograd, and the published code's step in JAX. JAX is no
dependency: name a Python that has it, or its column stays empty.
"""

from benchmarks import record  # first: it pins the threads

# isort: split
import argparse
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import torch
from torch import nn

from lib.convolutional.networks import Network, Settings

DIGITS, R, STACK = 3, 10.0, 5
CASES = {  # image, settings, steps a measurement
    "paper, dense": ((28, 84), Settings(), 5),
    "paper, split": ((28, 84), Settings("split", channels=16), 5),
    "ci, dense": ((8, 24), Settings(channels=16, kernels=((3, 9), (3, 7), (2, 4))), 100),
    "ci, split": ((8, 24), Settings("split", channels=8, kernels=((3, 9), (3, 7), (2, 4))), 100),
}


def ours(image, settings, runs):
    """A function that makes so many steps of stacked runs and returns the seconds."""
    network = Network(settings, image, DIGITS, R, runs)
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(runs, settings.batch, *image, generator=rng)
    labels = torch.randint(10, (runs, settings.batch, DIGITS), generator=rng)

    def clock(steps):
        start = perf_counter()
        for _ in range(steps):
            network.step(images, labels)
        return perf_counter() - start

    return clock


def plain(image, settings):
    """The same for one run of a plain torch module with autograd."""
    modules = nn.ModuleList()
    height, width = settings.sizes(image)[-1]
    for outputs in settings.outputs(DIGITS):
        layers, inputs = [], 1
        for kernel in settings.kernels:
            layers += [nn.Conv2d(inputs, settings.channels, kernel), nn.ReLU()]
            inputs = settings.channels
        modules.append(nn.Sequential(*layers, nn.Flatten(), nn.Linear(height * width * inputs, outputs)))
    for parameter in modules.parameters():
        nn.init.normal_(parameter, std=0.01)
    optimizer = torch.optim.SGD(modules.parameters(), lr=settings.learning_rate)
    images = torch.rand(settings.batch, 1, *image)
    targets = torch.rand(settings.batch, sum(settings.outputs(DIGITS)))

    def clock(steps):
        start = perf_counter()
        for _ in range(steps):
            optimizer.zero_grad()
            predictions = torch.cat([module(images) for module in modules], dim=1)
            ((predictions - targets) ** 2).sum(1).mean().backward()
            optimizer.step()
        return perf_counter() - start

    return clock


class Jax:
    """The clock of benchmarks/jax_step.py in a process of its own, on the same processors."""

    def __init__(self, python, image, settings):
        kernels = ",".join(f"{rows}x{columns}" for rows, columns in settings.kernels)
        outputs = ",".join(map(str, settings.outputs(DIGITS)))
        arguments = [*image, kernels, settings.channels, settings.batch, outputs]
        script = Path(__file__).with_name("jax_step.py")
        self.process = subprocess.Popen(
            [python, script, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": ""},
        )
        self.version = self._answer()

    def _answer(self):
        line = self.process.stdout.readline().strip()
        if not line:
            raise SystemExit("the Python given with --jax cannot run benchmarks/jax_step.py: see above")
        return line

    def __call__(self, steps):
        print(steps, file=self.process.stdin, flush=True)
        return float(self._answer())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(image, settings, steps, rounds, python):
    """Least seconds for 1000 images a run, by way; all ways take turns. And JAX's version."""
    clocks = {"one run": ours(image, settings, 1), "stacked": ours(image, settings, STACK)}
    clocks["plain torch"] = plain(image, settings)
    if python:
        clocks["JAX"] = Jax(python, image, settings)
    times = {way: [] for way in clocks}
    for turn in range(rounds + 1):  # the first warms up
        for way, clock in clocks.items():
            runs = STACK if way == "stacked" else 1
            seconds = clock(steps) / (steps * settings.batch * runs) * 1000
            if turn:
                times[way].append(seconds)
    version = clocks["JAX"].version if python else None
    if python:
        clocks["JAX"].close()
    return {way: min(values) for way, values in times.items()}, version


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.convnets")
    parser.add_argument("--jax", metavar="PYTHON", help="a Python that has JAX")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):  # JAX takes as many threads as there are processors
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: record.THREADS])
    table, version = {}, None
    print(f"seconds for 1000 images a run; stacked: {STACK} runs; ratios: how many times slower than one run")
    for name, (image, settings, steps) in CASES.items():
        row, version = measure(image, settings, steps, options.rounds, options.jax)
        table[name] = {"seconds_for_1000_images": row}
        table[name]["ratio_to_one_run"] = {way: s / row["one run"] for way, s in row.items()}
        print(f"{name:14s}", *(f"{way} {s:.3f} (×{s / row['one run']:.2f})  " for way, s in row.items()))
        sys.stdout.flush()
    settings = {
        "stack": STACK,
        "rounds": options.rounds,
        "cases": {name: {"image": image, **s.as_dict()} for name, (image, s, _) in CASES.items()},
        "jax": version,
    }
    record.write("convnet_times", "python -m benchmarks.convnets", settings, table, packages=("torch",))


if __name__ == "__main__":
    main()
