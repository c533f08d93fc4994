"""What simple regressions reach on the digits of composites: the yardsticks of the convolutional networks.

`python -m lib.convolutional.baselines --data DIR` records them for the paper's composites, in about ten minutes.
"""

import argparse
import sys
from dataclasses import asdict

import numpy as np
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV

from lib import records
from lib.convolutional.digits import Composites
from lib.convolutional.profiles import PAPER
from lib.convolutional.training import data_hash

PENALTIES = tuple(float(p) for p in np.logspace(-3, 3, 13))
PATH = records.RESULTS / "cmnist_baselines.json"
COMMAND = "python -m lib.convolutional.baselines"
KERNEL_GRID = {"alpha": (1e-5, 1e-4, 1e-3), "gamma": (0.1, 0.3, 1.0)}


def whole_image(training: Composites, test: Composites) -> tuple[float, float]:
    """Linear ridge regression from all pixels to all compositional outputs: test error and share of right digits.

    The error is normalised as a network's. Penalties are chosen by cross-validation on the training composites.
    """
    model = RidgeCV(PENALTIES).fit(_pixels(training.images), training.compositional)
    return _scores(model.predict(_pixels(test.images)), test)


def own_part(training: Composites, test: Composites, kernel: bool = False) -> tuple[float, float]:
    """A regression for each digit, from its own part of the image: linear ridge, or with a Gaussian kernel."""
    predictions = []
    for place in range(training.digits):
        seen, shown = (_part(part, place) for part in (training, test))
        model = _kernel_ridge() if kernel else RidgeCV(PENALTIES)
        targets = np.eye(10)[training.labels[:, place]] - 0.1
        predictions.append(model.fit(seen, targets).predict(shown) + 0.1)
    return _scores(np.hstack(predictions), test)


def _kernel_ridge() -> GridSearchCV:
    return GridSearchCV(KernelRidge(kernel="rbf"), KERNEL_GRID, scoring="neg_mean_squared_error")


def _pixels(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(float)


def _part(composites: Composites, place: int) -> np.ndarray:
    width = composites.images.shape[2] // composites.digits
    return _pixels(composites.images[:, :, place * width : (place + 1) * width])


def _scores(predictions: np.ndarray, test: Composites) -> tuple[float, float]:
    error = ((predictions - test.compositional) ** 2).sum(axis=1).mean() / test.digits
    right = predictions.reshape(len(test), test.digits, 10).argmax(axis=2) == test.labels
    return float(error), float(right.mean())


def recorded() -> dict[str, tuple[float, float]]:
    """Test error and share of right digits of the linear regressions on the paper's composites, by name."""
    return {name: tuple(scores) for name, scores in records.read(PATH, COMMAND)["scores"].items()}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Record regressions on the paper's composites."
    )
    parser.add_argument(
        "--data", help="directory of the IDX files (default: BOOK_DATA, the cache, a download)"
    )
    try:
        sets = PAPER.composites(parser.parse_args(arguments).data)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    scores = {"linear, the whole image": whole_image(*sets), "linear, a digit's part": own_part(*sets)}
    content = {
        **records.origin(COMMAND, None, "numpy", "scikit-learn"),
        "task": asdict(PAPER),
        "data_sha256": data_hash(*sets),
        "penalties": PENALTIES,
        "scores": records.rounded({name: list(pair) for name, pair in scores.items()}),
    }
    records.write(content, PATH, rows=r"\[[^][{}]*]", between=" ")
    print(f"written to {PATH}: {content['scores']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
