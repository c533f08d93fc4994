"""The trainings of the chapters on Compositional MNIST: tasks, settings and named profiles."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np

from lib.convolutional import digits
from lib.convolutional.digits import Composites
from lib.convolutional.settings import Kernels, Settings
from lib.validation import check_choice, check_count

Sets = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]  # of training and test


@dataclass(frozen=True)
class Task:
    """What is to be learned: where digits come from, and how they are composed."""

    source: str = "digits"  # a name of lib.convolutional.digits.load
    pooled: int = 1  # pixels are means over squares of this size
    brightness: float = 1.0  # factor on the pixels
    drawn: bool = True  # composites are drawn at random; else put side by side as in the paper
    training: int | None = 500  # number of training composites; None: all there are, not if drawn
    test: int | None = 2000  # number of test composites
    digits: int = 3
    r: float = 10.0  # value of the non-compositional output of the shown number
    draw: int = 0  # of the composites; from 1 on images are divided anew into those for training and for test

    def __post_init__(self) -> None:
        for name in ("training", "test"):
            count = getattr(self, name)
            if count is None and self.drawn:
                raise ValueError(
                    f"{name} = None asks for all composites, but drawn at random there is no end of them; "
                    f"give {name} a number, or set drawn = False"
                )
            if count is not None:
                check_count(name, count)

    def composites(self, directory: str | Path | None = None) -> tuple[Composites, Composites]:
        """Training and test composites; directory as in lib.convolutional.digits.load, and its errors."""
        data = digits.load(self.source, directory).pooled(self.pooled, self.brightness)
        sets = (data.train_images, data.train_labels), (data.test_images, data.test_labels)
        rng = np.random.default_rng(self.draw)
        if self.draw:
            sets = _divided_anew(sets, rng)

        def compose(images: np.ndarray, labels: np.ndarray, count: int | None) -> Composites:
            if self.drawn and count is not None:
                return digits.at_random(images, labels, count, rng, self.digits, self.r)
            made = digits.side_by_side(images, labels, self.digits, self.r)
            return made.first(count or len(made))

        return compose(*sets[0], self.training), compose(*sets[1], self.test)


def _divided_anew(sets: Sets, rng: np.random.Generator) -> Sets:
    first = len(sets[0][0])
    order = rng.permutation(sum(len(images) for images, _ in sets))
    images, labels = (np.concatenate(parts)[order] for parts in zip(*sets))
    return (images[:first], labels[:first]), (images[first:], labels[first:])


@dataclass(frozen=True)
class Case:
    """A task and the settings of the networks that are trained on it."""

    task: Task
    settings: Settings


@dataclass(frozen=True)
class Profile:
    """Cases by name. Every case is trained with every seed on every draw of its composites."""

    cases: dict[str, Case]
    seeds: int  # runs on every draw
    measure: int | None = None  # epochs from one recorded error to the next; None: a twentieth of a case's
    group: int = 6  # runs trained in one stack
    draws: tuple[int, ...] = (0,)

    def measure_of(self, case: Case) -> int:
        return self.measure or max(1, case.settings.epochs // 20)

    def changed(self, **changes: Any) -> "Profile":
        """The same with other values in the settings of every case."""
        cases = {
            name: replace(case, settings=replace(case.settings, **changes))
            for name, case in self.cases.items()
        }
        return replace(self, cases=cases)

    def posed(self, **changes: Any) -> "Profile":
        """The same with other values in the task of every case; kernels keep their part of the image's width."""
        cases = {}
        for name, case in self.cases.items():
            task = replace(case.task, **changes)
            kernels = _widened(case.settings.kernels, task.digits / case.task.digits)
            cases[name] = Case(task, replace(case.settings, kernels=kernels))
        return replace(self, cases=cases)

    def adapted(self, r: float, digits: int, triples: int = 0, epochs: int = 0) -> "Profile":
        """The profile as a reader wants it; 0: as it is. Raises ValueError unless it compares dense and split."""
        if {"dense", "split"} - set(self.cases):
            raise ValueError(
                f"the profile compares {', '.join(self.cases)}, not dense and split; choose ci or length"
            )
        check_count("epochs", epochs, 0)
        adapted = self.posed(r=r, digits=digits)
        if triples:
            adapted = adapted.posed(training=triples)
        if not epochs:
            return adapted
        return replace(adapted.changed(epochs=epochs), measure=gcd(self.measure or epochs, epochs))


def _widened(kernels: Kernels, factor: float) -> Kernels:
    return tuple((rows, max(1, round(columns * factor))) for rows, columns in kernels)


DIGITS = Task()
MNIST = Task(source="mnist", pooled=4, brightness=2.0, drawn=False, training=2000)
PAPER = Task(source="mnist", drawn=False, training=None, test=None)
_SMALL = Settings(channels=16, learning_rate=2e-2, init_std=0.05, readout_std=0.01)
ON_DIGITS = replace(_SMALL, kernels=((3, 9), (3, 7), (2, 4)), epochs=80)
ON_MNIST = replace(_SMALL, kernels=((3, 7), (2, 5), (2, 4)), epochs=60)
# a setting with twice the images and half the learning rate
DIGITS_1000 = replace(DIGITS, training=1000)
ON_DIGITS_1000 = replace(ON_DIGITS, learning_rate=1e-2, epochs=150)
RATES = {1e-2: 160, 4e-2: 40}  # learning rate: epochs, so that their product is the same
AMOUNTS = {1000: 120, 2000: 60, 5000: 24}  # training composites: epochs, so that the steps are as many
OPTIMISER_RATES = {  # of which a seed of its own chooses one for each; continued where the best was the last
    ("sgd", "dense"): (5e-3, 1e-2, 2e-2),
    ("sgd", "split"): (1e-2, 2e-2, 4e-2, 8e-2, 1.6e-1),
    ("adam", "dense"): (2.5e-4, 5e-4, 1e-3, 2e-3),
    ("adam", "split"): (5e-4, 1e-3, 2e-3, 4e-3),
}
SHAPING = ((1.0, 0.1), (1.0, 0.01), (1.0, 0.0), (0.0, 1.0))


def both(task: Task, dense: Settings, suffix: str = "") -> dict[str, Case]:
    """The dense network and the split one of half as many channels a module, as in the paper."""
    split = replace(dense, architecture="split", channels=dense.channels // 2)
    return {f"dense{suffix}": Case(task, dense), f"split{suffix}": Case(task, split)}


def _joined(parts: Iterable[dict[str, Case]]) -> dict[str, Case]:
    return {name: case for part in parts for name, case in part.items()}


def _by_r() -> dict[str, Case]:
    """Beside the profile ci, which has r = 10; the compositional module does not depend on r."""
    cases = _joined(both(replace(DIGITS, r=r), ON_DIGITS, f", r = {r:g}") for r in (1.0, 3.0))
    wide = replace(ON_DIGITS, architecture="split")  # as many channels for the digits as the dense network
    del cases["split, r = 3"]
    return cases | {"split of 16 + 16, r = 1": Case(replace(DIGITS, r=1.0), wide)}


def _by_rate() -> dict[str, Case]:
    rated = (replace(ON_DIGITS, learning_rate=rate, epochs=epochs) for rate, epochs in RATES.items())
    return _joined(both(DIGITS, settings, f", {settings.learning_rate:g}") for settings in rated)


def _by_optimiser_and_rate() -> dict[str, Case]:
    return {
        f"{architecture}, {optimiser} {rate:g}": _optimised(optimiser, architecture, rate)
        for (optimiser, architecture), rates in OPTIMISER_RATES.items()
        for rate in rates
    }


def _by_optimiser() -> dict[str, Case]:
    """Each network at the learning rate that the profile optimiser-rates chose by its training error."""
    best = {("sgd", "dense"): 1e-2, ("sgd", "split"): 8e-2, ("adam", "dense"): 5e-4, ("adam", "split"): 2e-3}
    return {f"{a}, {optimiser}": _optimised(optimiser, a, rate) for (optimiser, a), rate in best.items()}


def _optimised(optimiser: str, architecture: str, rate: float) -> Case:
    settings = replace(ON_DIGITS, optimiser=optimiser, learning_rate=rate, epochs=40)
    return both(DIGITS_1000, settings)[architecture]


def _by_amount() -> dict[str, Case]:
    return _joined(
        both(replace(MNIST, training=n), replace(ON_MNIST, epochs=epochs), f", {n} triples")
        for n, epochs in AMOUNTS.items()
    )


def _by_module() -> dict[str, Case]:
    """A module of 8 channels for all digits, or one for each, which sees the whole image or its digit's part."""
    split = replace(ON_DIGITS, architecture="split", channels=8, epochs=160)
    whole = replace(split, architecture="digits")
    part = replace(whole, architecture="parts", kernels=_widened(whole.kernels, 1 / DIGITS.digits))
    cases = {"a digit, its part": part, "a digit, the image": whole, "all digits, the image": split}
    return {name: Case(DIGITS, settings) for name, settings in cases.items()}


_DRAWS = (0, 1, 2)
PROFILES = {
    "ci": Profile(both(DIGITS, ON_DIGITS), seeds=3, measure=4, group=3, draws=_DRAWS),
    "r": Profile(_by_r(), seeds=1, measure=4, draws=_DRAWS),
    "shaping": Profile(
        {
            f"shaped {comp:g} : {noncomp:g}": Case(DIGITS, replace(ON_DIGITS, shaping=(comp, noncomp)))
            for comp, noncomp in SHAPING
        },
        seeds=1,
        measure=4,
        draws=_DRAWS,
    ),
    "modules": Profile(_by_module(), seeds=1, draws=_DRAWS),
    "rates": Profile(_by_rate(), seeds=1, draws=_DRAWS),
    "length": Profile(
        both(DIGITS_1000, replace(ON_DIGITS_1000, epochs=400)), seeds=1, measure=10, draws=_DRAWS
    ),
    "triples": Profile(_by_amount(), seeds=1, measure=4, draws=_DRAWS),
    "optimiser-rates": Profile(_by_optimiser_and_rate(), seeds=1, measure=40, group=1),
    "optimisers": Profile(_by_optimiser(), seeds=5, measure=4, group=5),
    "mnist-small": Profile(both(MNIST, ON_MNIST), seeds=1, measure=2, draws=_DRAWS),
    "fashion-small": Profile(
        both(replace(MNIST, source="fashion-mnist"), ON_MNIST), seeds=1, measure=2, draws=_DRAWS
    ),
    "paper": Profile(both(PAPER, Settings()), seeds=10, measure=1, group=10),
    "paper-start": Profile(both(PAPER, Settings(epochs=3)), seeds=2, measure=1),
}


def get(name: str) -> Profile:
    check_choice("profile", name, PROFILES)
    return PROFILES[name]
