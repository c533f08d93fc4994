"""The data of the linear figures over 20 seeds: batched, and seed by seed. `python -m benchmarks.figures`

Side by side in one run, for the three architectures with the settings of the published figures: all seeds in
one batch of lib.linear.training.train; the same function called once a seed; and a plain loop over seeds with dense
matrices, which reads the strengths off UᵀWV and the norms off the blocks of W after every step.
"""

from benchmarks import record  # first: it pins the threads

# isort: split
from statistics import median
from time import perf_counter

import numpy as np

from lib.linear import theory
from lib.linear.datasets import Dataset
from lib.linear.training import train
from lib.linear.weights import initial_weights

DATASET = Dataset(n_x=3, n_y=1, k_x=3, k_y=1, r=1.0)
SETTINGS = {
    "deep": {"learning_rate": 0.02, "init_std": 0.0002},
    "shallow": {"learning_rate": 0.005, "init_std": 0.0002},
    "split": {"learning_rate": 0.02, "init_std": 0.002},
}
HIDDEN, EPOCHS, SEEDS, ROUNDS = 50, 300, 20, 3


def batched(architecture):
    """All seeds at once; strengths (seeds, epochs, 3)."""
    options = SETTINGS[architecture] | {"hidden": HIDDEN, "epochs": EPOCHS}
    return train(DATASET, architecture, seeds=SEEDS, **options).strengths


def by_seed(architecture):
    """The same function, one seed a call."""
    options = SETTINGS[architecture] | {"hidden": HIDDEN, "epochs": EPOCHS}
    runs = [train(DATASET, architecture, seeds=[seed], **options) for seed in range(SEEDS)]
    return np.concatenate([run.strengths for run in runs])


def plain(architecture):
    """A loop over seeds with dense matrices."""
    rate, std = SETTINGS[architecture].values()
    parts = theory.split_datasets(DATASET) if architecture == "split" else (DATASET,)
    weights = initial_weights(DATASET, architecture, hidden=HIDDEN, init_std=std, seeds=SEEDS)
    weights = weights if architecture == "split" else (weights,)
    courses = [
        np.array([plain_run(part, [W[seed] for W in pair], rate) for seed in range(SEEDS)])
        for part, pair in zip(parts, weights)
    ]
    return np.concatenate([courses[0][..., :1], courses[-1][..., 1:]], axis=-1)


def plain_run(dataset, weights, learning_rate):
    """One network; strengths (epochs, 3)."""
    cross, inputs, rate = dataset.cross_covariance, dataset.input_covariance, learning_rate * dataset.P
    U, V, kind = theory.singular_vectors(dataset)
    n_x, n_y = dataset.n_x, dataset.n_y
    course, norms = [], []
    for _ in range(EPOCHS):
        W = weights[0] if len(weights) == 1 else weights[1] @ weights[0]
        strength = np.diag(U.T @ W @ V)
        course.append([strength[kind == k].mean() if (kind == k).any() else np.nan for k in (1, 2, 3)])
        blocks = (W[:n_y, :n_x], W[:n_y, n_x:], W[n_y:, :n_x], W[n_y:, n_x:])
        norms.append([np.linalg.norm(block) for block in blocks])
        error = cross - W @ inputs
        if len(weights) == 1:
            weights = [W + rate * error]
        else:
            W1, W2 = weights
            weights = [W1 + rate * W2.T @ error, W2 + rate * error @ W1.T]
    return np.array(course)


def main():
    ways, seconds, apart = (batched, by_seed, plain), {}, {}
    print(f"{SEEDS} seeds, {EPOCHS} epochs   batched      by seed    ratio        plain    ratio")
    for architecture in SETTINGS:
        found = [way(architecture) for way in ways]  # also warms up
        apart[architecture] = max(float(np.nanmax(np.abs(other - found[0]))) for other in found[1:])
        times = {way.__name__: [] for way in ways}
        for _ in range(ROUNDS):
            for way in ways:
                start = perf_counter()
                way(architecture)
                times[way.__name__].append(perf_counter() - start)
        row = seconds[architecture] = {name: median(values) for name, values in times.items()}
        show(architecture, row)
    show("all", {way.__name__: sum(row[way.__name__] for row in seconds.values()) for way in ways})
    print(f"largest difference of any strength: {max(apart.values()):.1e}")
    settings = {"dataset": "n_x=3 n_y=1 k_x=3 k_y=1 r=1", "hidden": HIDDEN, "epochs": EPOCHS, "seeds": SEEDS}
    results = {"seconds": seconds, "largest_difference": apart}
    record.write(
        "figure_times", "python -m benchmarks.figures", settings | SETTINGS | {"rounds": ROUNDS}, results
    )


def show(name, row):
    batch, single, dense = row.values()
    print(
        f"{name:20s} {batch:8.3f} s {single:10.3f} s {single / batch:8.1f}"
        f" {dense:10.3f} s {dense / batch:8.1f}"
    )


if __name__ == "__main__":
    main()
