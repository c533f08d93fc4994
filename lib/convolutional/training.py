"""Training of stacked convolutional networks: progress, checkpoints, bit-identical resumption."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from tqdm import tqdm

from lib.convolutional.digits import Composites
from lib.convolutional.networks import Network
from lib.convolutional.settings import PRECISIONS, Settings
from lib.validation import Seeds, check_seeds

PARTS = ("train", "test", "seen", "unseen")


@dataclass(frozen=True)
class History:
    """Mean errors and hits of every run, as Network.scores gives them; the first entry is the start.

    train, test, seen, unseen: (runs, entries, 4): compositional and non-compositional error, share of digits and of
    numbers that are right. nan where there is nothing to measure.
    """

    seeds: list[int]
    epochs: np.ndarray  # (entries,): the number of epochs trained at each entry
    train: np.ndarray  # on the first training composites
    test: np.ndarray
    seen: np.ndarray  # on those test composites whose number is among the training composites
    unseen: np.ndarray  # on the other test composites
    seconds: float  # of the training, interruptions left out
    network: Network | None = None  # the trained networks
    draws: list[int] | None = None  # the draw of the composites of every run, where there are several

    @classmethod
    def of(
        cls,
        seeds: list[int],
        epochs: np.ndarray,
        courses: Iterable[np.ndarray],
        seconds: float,
        network: Network | None = None,
        draws: list[int] | None = None,
    ) -> "History":
        """From the four courses in their order, as PARTS names them."""
        train, test, seen, unseen = courses
        return cls(seeds, epochs, train, test, seen, unseen, seconds, network, draws)


def train(
    settings: Settings,
    training: Composites,
    test: Composites,
    seeds: Seeds,
    *,
    shown: int | None = 1028,
    measure: int = 1,
    checkpoint: str | Path | None = None,
    every: float = 60.0,
    progress: bool = False,
    device: str | None = None,
) -> History:
    """Train one network a seed, all in one stack, and record their errors every `measure` epochs.

    An epoch shows the training composites in an order drawn for each run and epoch from the run's seed; a last
    batch that would be incomplete is left out. The training error is that of the first `shown` composites (all
    if None, or if there are fewer), the test error that of all.
    checkpoint: a file to which the state is written at the end of an epoch, at most once in `every` seconds,
    and at the end. If it is there, training goes on from it, to the same bits as without interruption on the
    same machine with the same number of threads; its settings, seeds and data must be these, but for the number
    of epochs. device: by default a GPU if there is one.

    Raises ValueError for data that do not fit, for a checkpoint of something else, and when training diverges.
    """
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    seeds, steps = check_seeds(seeds), len(training) // settings.batch
    if steps < 1:
        raise ValueError(
            f"{len(training)} training composites are less than a batch of {settings.batch}; take more"
        )
    if measure < 1 or settings.epochs % measure:
        raise ValueError(f"measure = {measure} does not divide epochs = {settings.epochs}; choose a divisor")
    for name in ("digits", "r"):
        if getattr(training, name) != getattr(test, name):
            raise ValueError(f"training and test composites differ in {name}; compose both alike")
    with _matrix_precision(settings.tf32):
        network = Network(settings, training.images.shape[1:], training.digits, training.r, seeds, place)
        images, labels = _tensors(training, settings, place)
        known = np.isin(test.numbers, training.numbers)
        errors = _Scores(network, (images[:shown], labels[:shown]), _tensors(test, settings, place), known)
        fingerprint = _fingerprint(settings, training, test, seeds, [shown, measure])
        keeper = _Keeper(Path(checkpoint), fingerprint) if checkpoint else None
        state = keeper.load(network, settings.epochs) if keeper else None
        begun, spent, courses = state or (0, 0.0, [errors(0)])
        step, start, saved = stepper(network, images, labels), monotonic(), monotonic()
        bar = tqdm(total=settings.epochs * steps, initial=begun * steps, disable=not progress)
        bar.set_description(f"{settings.architecture}, {len(seeds)} runs")
        with bar:
            for epoch in range(begun + 1, settings.epochs + 1):
                for batch in _order(seeds, epoch, len(training), steps, settings.batch, place):
                    step(batch)
                    bar.update()
                if epoch % measure == 0:
                    courses.append(errors(epoch))
                if keeper and (epoch == settings.epochs or monotonic() - saved >= every):
                    keeper.save(network, epoch, spent + monotonic() - start, courses)
                    saved = monotonic()
    seen: tuple[np.ndarray, ...] = tuple(np.array(courses).transpose(1, 2, 0, 3))  # (runs, entries, 4) each
    epochs = np.arange(0, settings.epochs + 1, measure)
    return History.of(seeds, epochs, seen, spent + monotonic() - start, network)


def join(histories: Iterable[History]) -> History:
    """The history of runs that were trained in several groups, in the order of the groups."""
    histories = list(histories)
    parts = [np.concatenate([getattr(one, part) for one in histories]) for part in PARTS]
    draws = [draw for one in histories for draw in one.draws or []]
    seconds = sum(one.seconds for one in histories)
    seeds = [seed for one in histories for seed in one.seeds]
    return History.of(seeds, histories[0].epochs, parts, seconds, draws=draws or None)


def data_hash(*sets: Composites) -> str:
    """SHA-256 of images, labels and r of composites."""
    digest = hashlib.sha256()
    for part in sets:
        for array in (part.images, part.labels):
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        digest.update(repr(part.r).encode())
    return digest.hexdigest()


def reached(checkpoint: str | Path) -> int:
    """The number of epochs that a checkpoint holds; ValueError where the file is missing or is no checkpoint."""
    try:
        return int(torch.load(checkpoint, weights_only=True)["epoch"])
    except Exception as error:
        raise ValueError(
            f"{checkpoint} is no checkpoint ({error}); name the folder of a begun training"
        ) from None


Tensors = tuple[torch.Tensor, torch.Tensor]  # images and labels


class _Scores:
    """Mean scores of all runs on every part of the data, (parts, runs, 4); the errors must be finite."""

    def __init__(self, network: Network, shown: Tensors, test: Tensors, known: np.ndarray) -> None:
        self.network, self.shown, self.test, self.known = network, shown, test, known

    def __call__(self, epoch: int) -> np.ndarray:
        train, test = self.network.scores(*self.shown), self.network.scores(*self.test)
        settings = self.network.settings
        errors = slice(1) if settings.architecture in ("digits", "parts") else slice(2)
        if not (np.isfinite(train[..., errors]).all() and np.isfinite(test[..., errors]).all()):
            raise ValueError(
                f"training diverged before the end of epoch {epoch}: learning_rate = {settings.learning_rate} is "
                "too large for these images, r and initial weights; lower it"
            )
        return np.array([_mean(part) for part in (train, test, test[:, self.known], test[:, ~self.known])])


def _mean(scores: np.ndarray) -> np.ndarray:
    """(runs, 4); nan without an image."""
    return scores.mean(axis=1) if scores.shape[1] else np.full(scores[:, 0:1].sum(1).shape, np.nan)


class _Keeper:
    """A checkpoint file, which is replaced as a whole: a kill at any moment leaves the old one or the new one."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path, self.fingerprint = path, fingerprint
        path.parent.mkdir(parents=True, exist_ok=True)

    def save(self, network: Network, epoch: int, seconds: float, courses: list[np.ndarray]) -> None:
        state = {
            "epoch": epoch,
            "seconds": seconds,
            "fingerprint": self.fingerprint,
            "courses": torch.from_numpy(np.array(courses)),
            "parameters": [parameter.cpu() for parameter in network.parameters],
        }
        if network.optimiser:
            state["optimiser"] = network.optimiser.state_dict()
        part = self.path.with_name(self.path.name + ".part")
        with open(part, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.path)

    def load(self, network: Network, epochs: int) -> tuple[int, float, list[np.ndarray]] | None:
        """Sets the network and returns epoch, seconds and courses so far, or None without a checkpoint."""
        if not self.path.is_file():
            return None
        try:
            state = torch.load(self.path, weights_only=True)
            fingerprint, epoch, seconds = state["fingerprint"], state["epoch"], state["seconds"]
            courses = list(state["courses"].numpy())
        except Exception as error:
            raise ValueError(f"{self.path} is no checkpoint ({error}); delete it to start anew") from None
        if fingerprint != self.fingerprint:
            raise ValueError(
                f"{self.path} is the checkpoint of other settings, seeds or data; delete it, or name another file"
            )
        if epoch > epochs:
            raise ValueError(
                f"{self.path} is at epoch {epoch}, beyond epochs = {epochs}; delete it, name another "
                "file, or ask for more epochs"
            )
        network.load(state["parameters"])
        if network.optimiser:
            network.optimiser.load_state_dict(state["optimiser"])
        return epoch, seconds, courses


def _fingerprint(
    settings: Settings, training: Composites, test: Composites, seeds: list[int], recorded: list[int | None]
) -> str:
    decisive = settings.as_dict() | {"seeds": seeds, "recorded": recorded, "data": data_hash(training, test)}
    del decisive["epochs"]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _tensors(part: Composites, settings: Settings, device: torch.device) -> Tensors:
    images = torch.from_numpy(np.ascontiguousarray(part.images)).to(device, PRECISIONS[settings.precision])
    return images, torch.from_numpy(np.ascontiguousarray(part.labels)).to(device)


def _order(
    seeds: list[int], epoch: int, n: int, steps: int, batch: int, device: torch.device
) -> torch.Tensor:
    """The batches of an epoch: indices (steps, runs, batch), each run's order from its own seed."""
    orders = []
    for seed in seeds:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, epoch)))
        orders.append(rng.permutation(n)[: steps * batch].reshape(steps, batch))
    return torch.from_numpy(np.stack(orders, axis=1)).to(device)


def stepper(network: Network, images: torch.Tensor, labels: torch.Tensor) -> Callable[[torch.Tensor], None]:
    """A function that makes one step with the images of the given indices; on a GPU a recorded graph.

    The graph spares the launching of about 150 kernels a step.
    """

    def step(index: torch.Tensor) -> None:
        network.step(images[index], labels[index])

    if images.device.type != "cuda" or network.optimiser:  # whose state the trial steps below would change
        return step
    start = [parameter.clone() for parameter in network.parameters]
    place = torch.zeros(network.runs, network.settings.batch, dtype=torch.int64, device=images.device)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # recording asks for some steps beforehand, which are undone below
        for _ in range(3):
            step(place)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step(place)
    network.load(start)

    def replay(index: torch.Tensor) -> None:
        place.copy_(index)
        graph.replay()

    return replay


@contextmanager
def _matrix_precision(tf32: bool) -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
