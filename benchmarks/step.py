"""One step of gradient descent: without dense matrices, and with them. `python -m benchmarks.step`

Side by side in one run, for growing n_x: the step of lib.linear.training.train, everything that it records
included; the dense step W₂(W₁Σ^x); and the dense step (W₂W₁)Σ^x as the formula reads from left to right. The
dense steps record nothing, and the time to form X, Y and the covariances once is left out.
"""

from benchmarks import record  # first: it pins the threads

# isort: split
from statistics import median
from time import perf_counter

import numpy as np

from lib.linear import stability
from lib.linear.datasets import Dataset
from lib.linear.descent import step
from lib.linear.training import train
from lib.linear.weights import initial_weights

FEATURES = range(4, 11)
TASK = {"n_y": 1, "k_x": 3, "k_y": 1, "r": 1.0}
HIDDEN, INIT_STD, SEED = 50, 0.01, 0
ROUNDS, STEPS = 5, 4  # each round times every way once, for this many steps


def plain(dataset, weights, learning_rate, steps, left_to_right):
    """Seconds a step, and the weights after the steps."""
    W1, W2 = (W[0] for W in weights)
    cross, inputs, rate = dataset.cross_covariance, dataset.input_covariance, learning_rate * dataset.P
    start = perf_counter()
    for _ in range(steps):
        W1, W2 = step(cross, inputs, W1, W2, rate, left_to_right)
    return (perf_counter() - start) / steps, W1, W2


def structured(dataset, weights, learning_rate, steps):
    """Seconds a step, the copy of the weights that training makes included, and the last recorded loss."""
    options = {"hidden": HIDDEN, "learning_rate": learning_rate, "init_std": INIT_STD, "seeds": 1}
    start = perf_counter()
    history = train(dataset, "deep", epochs=steps, weights=weights, **options)
    return (perf_counter() - start) / steps, history.loss[0, -1]


def compare(dataset):
    """Median seconds of each way, and how far their losses are apart."""
    rate = stability.learning_rate_bound(dataset, "deep") / 2
    weights = initial_weights(dataset, "deep", hidden=HIDDEN, init_std=INIT_STD, seeds=[SEED])
    times = {"structured": [], "dense": [], "dense left to right": []}
    for _ in range(ROUNDS):
        times["structured"].append(structured(dataset, weights, rate, STEPS)[0])
        times["dense"].append(plain(dataset, weights, rate, STEPS, False)[0])
        seconds, W1, W2 = plain(dataset, weights, rate, STEPS, True)
        times["dense left to right"].append(seconds)
    loss = np.sum((dataset.Y - W2 @ (W1 @ dataset.X)) ** 2) / 2
    apart = abs(structured(dataset, weights, rate, STEPS + 1)[1] / loss - 1)
    return {way: median(seconds) for way, seconds in times.items()} | {"relative difference of losses": apart}


def main():
    table = {}
    print("n_x      P   structured        dense    ratio   left to right    ratio   losses apart")
    for n_x in FEATURES:
        row = table[n_x] = compare(Dataset(n_x, **TASK))
        base, one, other = row["structured"], row["dense"], row["dense left to right"]
        print(
            f"{n_x:3d} {2**n_x:6d} {1e3 * base:9.3f} ms {1e3 * one:9.3f} ms {one / base:8.1f}"
            f" {1e3 * other:12.3f} ms {other / base:8.1f} {row['relative difference of losses']:14.1e}"
        )
    results = {
        "n_x": list(table),
        "seconds_per_step": {
            way: [row[way] for row in table.values()]
            for way in next(iter(table.values()))
            if "loss" not in way
        },
    }
    settings = TASK | {"hidden": HIDDEN, "init_std": INIT_STD, "seed": SEED, "rounds": ROUNDS, "steps": STEPS}
    record.write("step_times", "python -m benchmarks.step", settings, results)


if __name__ == "__main__":
    main()
