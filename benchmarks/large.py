"""The trajectories of the width chapter at n_x = 16, 65536 examples, on one thread. `python -m benchmarks.large`

Records every tenth epoch of the simulation and of the prediction, the time and the largest memory.
"""

from benchmarks import record  # first: it pins the threads

# isort: split
import resource
import sys
from time import perf_counter

from lib.linear import stability, theory
from lib.linear.datasets import Dataset
from lib.linear.prediction import predicted_strengths
from lib.linear.training import train
from lib.linear.weights import initial_weights

TASK = {"n_x": 16, "n_y": 4, "k_x": 2, "k_y": 1, "r": 64.0}
HIDDEN, EPOCHS, INIT_STD, SEED, FRACTION_OF_BOUND = 32, 300, 2.5e-5, 0, 0.5
EVERY = 10


def main():
    dataset = Dataset(**TASK)
    modes = theory.modes(dataset)
    rate = FRACTION_OF_BOUND * stability.learning_rate_bound(dataset, "deep")
    options = {"hidden": HIDDEN, "init_std": INIT_STD, "seeds": [SEED]}
    weights = initial_weights(dataset, "deep", **options)

    start = perf_counter()
    history = train(dataset, "deep", learning_rate=rate, epochs=EPOCHS, weights=weights, **options)
    seconds = perf_counter() - start
    predicted = predicted_strengths(dataset, "deep", weights, epochs=EPOCHS, learning_rate=rate)[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 ** (2 if sys.platform == "darwin" else 1)

    shown = slice(None, None, EVERY)
    results = {
        "epoch": list(range(0, EPOCHS, EVERY)),
        "simulated": history.strengths[0, shown].tolist(),
        "predicted": predicted[shown].tolist(),
        "last": history.strengths[0, -1].tolist(),
        "last_loss": float(history.loss[0, -1]),
        "seconds_per_epoch": seconds / EPOCHS,
        "peak_megabytes": peak,
    }
    print(f"n_x = {dataset.n_x}: {seconds:.1f} s for {EPOCHS} epochs, at most {peak:.0f} MB of memory")
    print("last strengths / asymptotes:", *(f"{share:.6f}" for share in results["last"] / modes.asymptote))
    settings = TASK | {"hidden": HIDDEN, "epochs": EPOCHS, "init_std": INIT_STD, "seed": SEED}
    settings |= {"fraction_of_bound": FRACTION_OF_BOUND, "learning_rate": rate}
    record.write("large_run", "python -m benchmarks.large", settings, results)


if __name__ == "__main__":
    main()
