"""Training of stacked convolutional networks: progress, checkpoints, bit-identical resumption."""

import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from tqdm import tqdm

from lib.convolutional.digits import Composites
from lib.convolutional.networks import PRECISIONS, Network, Settings
from lib.validation import check_seeds

COMPOSITIONAL, NONCOMPOSITIONAL = 0, 1  # last axis of the errors


@dataclass(frozen=True)
class History:
    """Normalised errors of every run; the first entry is the start."""

    seeds: list
    epochs: np.ndarray  # (entries,): the number of epochs trained at each entry
    train: np.ndarray  # (runs, entries, 2): compositional and non-compositional
    test: np.ndarray  # the same
    seconds: float  # of the training, interruptions left out
    network: Network | None = None  # the trained networks


def train(
    settings: Settings,
    training: Composites,
    test: Composites,
    seeds,
    *,
    shown: int | None = 1028,
    measure: int = 1,
    checkpoint=None,
    every: float = 60.0,
    progress: bool = False,
    device=None,
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
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
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
        network = Network(settings, training.images.shape[1:], training.digits, training.r, seeds, device)
        sets = [_tensors(part, settings, device) for part in (training, test)]
        errors = _Errors(network, [(sets[0][0][:shown], sets[0][1][:shown]), sets[1]])
        fingerprint = checkpoint and _fingerprint(settings, training, test, seeds, [shown, measure])
        keeper = checkpoint and _Keeper(Path(checkpoint), fingerprint)
        state = keeper and keeper.load(network, settings.epochs)
        begun, spent, courses = state or (0, 0.0, [errors(0)])
        step, start, saved = stepper(network, *sets[0]), monotonic(), monotonic()
        bar = tqdm(total=settings.epochs * steps, initial=begun * steps, disable=not progress)
        bar.set_description(f"{settings.architecture}, {len(seeds)} runs")
        with bar:
            for epoch in range(begun + 1, settings.epochs + 1):
                for batch in _order(seeds, epoch, len(training), steps, settings.batch, device):
                    step(batch)
                    bar.update()
                if epoch % measure == 0:
                    courses.append(errors(epoch))
                if keeper and (epoch == settings.epochs or monotonic() - saved >= every):
                    keeper.save(network, epoch, spent + monotonic() - start, courses)
                    saved = monotonic()
    course = np.array(courses)  # (entries, training and test, runs, 2)
    epochs = np.arange(0, settings.epochs + 1, measure)
    seconds = spent + monotonic() - start
    return History(seeds, epochs, course[:, 0].swapaxes(0, 1), course[:, 1].swapaxes(0, 1), seconds, network)


def join(histories) -> History:
    """The history of runs that were trained in several groups, in the order of the groups."""
    histories = list(histories)
    return History(
        [seed for history in histories for seed in history.seeds],
        histories[0].epochs,
        np.concatenate([history.train for history in histories]),
        np.concatenate([history.test for history in histories]),
        sum(history.seconds for history in histories),
    )


def data_hash(*sets: Composites) -> str:
    """SHA-256 of images, labels and r of composites."""
    digest = hashlib.sha256()
    for part in sets:
        for array in (part.images, part.labels):
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array))
        digest.update(repr(part.r).encode())
    return digest.hexdigest()


class _Errors:
    """Training and test errors of all runs, (2, runs, 2), which must be finite."""

    def __init__(self, network, sets):
        self.network, self.sets = network, sets

    def __call__(self, epoch):
        found = np.array([self.network.errors(*part) for part in self.sets])
        if not np.isfinite(found).all():
            settings = self.network.settings
            raise ValueError(
                f"training diverged before the end of epoch {epoch}: learning_rate = {settings.learning_rate} is "
                "too large for these images, r and initial weights; lower it"
            )
        return found


class _Keeper:
    """A checkpoint file, which is replaced as a whole: a kill at any moment leaves the old one or the new one."""

    def __init__(self, path, fingerprint):
        self.path, self.fingerprint = path, fingerprint
        path.parent.mkdir(parents=True, exist_ok=True)

    def save(self, network, epoch, seconds, courses):
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

    def load(self, network, epochs):
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


def _fingerprint(settings, training, test, seeds, recorded):
    decisive = settings.as_dict() | {"seeds": seeds, "recorded": recorded, "data": data_hash(training, test)}
    del decisive["epochs"]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _tensors(part, settings, device):
    images = torch.from_numpy(np.ascontiguousarray(part.images)).to(device, PRECISIONS[settings.precision])
    return images, torch.from_numpy(np.ascontiguousarray(part.labels)).to(device)


def _order(seeds, epoch, n, steps, batch, device):
    """The batches of an epoch: indices (steps, runs, batch), each run's order from its own seed."""
    orders = []
    for seed in seeds:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, epoch)))
        orders.append(rng.permutation(n)[: steps * batch].reshape(steps, batch))
    return torch.from_numpy(np.stack(orders, axis=1)).to(device)


def stepper(network, images, labels):
    """A function that makes one step with the images of the given indices; on a GPU a recorded graph.

    The graph spares the launching of about 150 kernels a step.
    """

    def step(index):
        network.step(images[index], labels[index])

    if (
        images.device.type != "cuda" or network.optimiser
    ):  # whose own state the trial steps below would change
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

    def replay(index):
        place.copy_(index)
        graph.replay()

    return replay


@contextmanager
def _matrix_precision(tf32):
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
