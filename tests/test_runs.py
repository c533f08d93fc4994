"""Training: stacking, learning, checkpoints that survive a kill, refusals."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lib.convolutional import digits, training
from lib.convolutional.networks import COMPOSITIONAL
from lib.convolutional.settings import Settings
from lib.convolutional.training import _order, join, train

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = Settings(
    channels=3,
    kernels=((3, 5), (3, 4)),
    batch=8,
    epochs=3,
    learning_rate=5e-3,
    init_std=0.1,
    precision="float64",
)


def composites(n=40, r=3.0):
    data, rng = digits.load(), np.random.default_rng(0)
    return (
        digits.at_random(data.train_images, data.train_labels, n, rng, 2, r),
        digits.at_random(data.test_images, data.test_labels, 30, rng, 2, r),
    )


@pytest.mark.parametrize("architecture", ["dense", "split"])
def test_stacked_runs_are_separate_runs(architecture):
    settings = replace(SETTINGS, architecture=architecture)
    together = train(settings, *composites(), [3, 1, 7])
    apart = join(train(settings, *composites(), [seed]) for seed in (3, 1, 7))
    assert together.seeds == apart.seeds == [3, 1, 7]
    assert together.train.shape == together.test.shape == (3, 4, 4)
    np.testing.assert_allclose(together.train, apart.train, rtol=1e-12)
    np.testing.assert_allclose(together.test, apart.test, rtol=1e-12)
    assert np.ptp(together.train[:, -1, 0]) > 1e-4  # runs differ


def test_training_learns_what_it_is_shown():
    settings = replace(SETTINGS, epochs=150, precision="float32", learning_rate=1e-2)
    history = train(settings, *composites(r=1.0), 2, device="cpu")
    np.testing.assert_allclose(history.train[:, 0, :2], 1, atol=0.1)
    assert (history.train[:, -1, COMPOSITIONAL] < 0.5).all()
    assert history.train.shape == (2, 151, 4)
    shown = torch.from_numpy(composites(r=1.0)[1].images), torch.from_numpy(composites(r=1.0)[1].labels)
    np.testing.assert_array_equal(history.network.errors(*shown), history.test[:, -1, :2])


def test_the_training_error_is_that_of_the_shown_part():
    part = train(replace(SETTINGS, epochs=1), *composites(), 1, shown=10)
    whole = train(replace(SETTINGS, epochs=1), *composites(), 1, shown=None)
    np.testing.assert_array_equal(part.test, whole.test)
    assert not np.allclose(part.train, whole.train)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("architecture", ["dense", "split"])
def test_a_gpu_s_recorded_graph_trains_as_the_cpu_does(architecture):
    settings = replace(SETTINGS, architecture=architecture)
    here, there = (train(settings, *composites(), 2, device=device) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(there.train, here.train, rtol=1e-10)
    np.testing.assert_allclose(there.test, here.test, rtol=1e-10)


def test_errors_are_recorded_as_often_as_asked():
    settings = replace(SETTINGS, epochs=4)
    often, seldom = (train(settings, *composites(), 1, measure=measure) for measure in (1, 2))
    assert list(often.epochs) == [0, 1, 2, 3, 4]
    assert list(seldom.epochs) == [0, 2, 4]
    np.testing.assert_array_equal(seldom.test, often.test[:, ::2])


def test_plain_gradient_descent_goes_without_saying():
    """So that checkpoints and records from before there was a choice stay valid."""
    assert "optimiser" not in SETTINGS.as_dict()
    assert replace(SETTINGS, optimiser="adam").as_dict()["optimiser"] == "adam"


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_an_interrupted_training_goes_on_to_the_same_bits(tmp_path, optimiser):
    settings = replace(SETTINGS, precision="float32", optimiser=optimiser)
    file = tmp_path / "deep" / "state.pt"
    whole = train(settings, *composites(), 2)
    train(replace(settings, epochs=1), *composites(), 2, checkpoint=file)
    resumed = train(settings, *composites(), 2, checkpoint=file)
    finished = train(settings, *composites(), 2, checkpoint=file)
    for other in (resumed, finished):
        np.testing.assert_array_equal(other.train, whole.train)
        np.testing.assert_array_equal(other.test, whole.test)
        for mine, its in zip(other.network.parameters, whole.network.parameters):
            assert torch.equal(mine, its)


LONGER = replace(SETTINGS, precision="float32", epochs=12, architecture="split")
SCRIPT = """
import os
import signal
import sys
import numpy as np
import torch
from lib.convolutional.training import train
from tests.test_runs import LONGER, composites
torch.set_num_threads(1)
replace, saves, last, moment = os.replace, 0, int(sys.argv[3]), sys.argv[4]
def killed(*paths):
    global saves
    saves += 1
    if saves == last and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*paths)
    if saves == last:
        os.kill(os.getpid(), signal.SIGKILL)
os.replace = killed
history = train(LONGER, *composites(), 2, checkpoint=sys.argv[1], every=0)
np.savez(sys.argv[2], train=history.train, test=history.test)
"""


def start(*arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *map(str, arguments)], cwd=ROOT, env=environment)


def test_kill_9_does_not_change_the_result(tmp_path):
    file, outcome = tmp_path / "state.pt", tmp_path / "resumed.npz"
    for saves, moment in ((3, "after"), (4, "before")):  # the second leaves a checkpoint half replaced
        assert start(file, outcome, saves, moment).wait() == -signal.SIGKILL
    assert torch.load(file)["epoch"] == 3 + 3
    assert start(file, outcome, 0, "never").wait() == 0
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    whole = train(LONGER, *composites(), 2)
    torch.set_num_threads(threads)
    with np.load(outcome) as resumed:
        np.testing.assert_array_equal(resumed["train"], whole.train)
        np.testing.assert_array_equal(resumed["test"], whole.test)


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    file = tmp_path / "state.pt"
    train(SETTINGS, *composites(), 2, checkpoint=file)
    others = (
        (replace(SETTINGS, channels=4), composites(), 2),
        (SETTINGS, composites(r=2.0), 2),
        (SETTINGS, composites(), [0, 2]),
    )
    for settings, data, seeds in others:
        with pytest.raises(ValueError, match=r"state\.pt is the checkpoint of other settings, seeds or data"):
            train(settings, *data, seeds, checkpoint=file)
    with pytest.raises(ValueError, match="is at epoch 3, beyond epochs = 2"):
        train(replace(SETTINGS, epochs=2), *composites(), 2, checkpoint=file)
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"state\.pt is no checkpoint .*delete it"):
        train(SETTINGS, *composites(), 2, checkpoint=file)


@pytest.mark.parametrize(
    ("settings", "data", "message"),
    [
        (SETTINGS, composites(n=7), "7 training composites are less than a batch of 8"),
        (SETTINGS, (composites()[0], composites(r=1.0)[1]), "training and test composites differ in r"),
        (
            replace(SETTINGS, learning_rate=50.0, precision="float32", epochs=30),
            composites(),
            "training diverged before the end of epoch",
        ),
        (replace(SETTINGS, epochs=4), composites(), "measure = 3 does not divide epochs = 4"),
        (replace(SETTINGS, kernels=((9, 3),)), composites(), r"does not fit \(8, 16\) pixels"),
    ],
)
def test_refusals(settings, data, message):
    with pytest.raises(ValueError, match=message):
        train(settings, *data, 1, measure=3)


def test_tf32_is_decided_for_the_training_alone(monkeypatch):
    seen = []
    monkeypatch.setattr(
        training, "_order", lambda *a: seen.append(torch.get_float32_matmul_precision()) or torch.zeros(0)
    )
    before = torch.get_float32_matmul_precision()
    for tf32 in (True, False):
        train(replace(SETTINGS, tf32=tf32, epochs=1), *composites(), 1)
    assert seen == ["high", "highest"]
    assert torch.get_float32_matmul_precision() == before


def test_every_epoch_of_every_run_has_its_own_order():
    orders = [_order([4, 5], epoch, 17, 4, 4, "cpu") for epoch in (1, 2)]
    shown = [tuple(order[:, run].flatten().tolist()) for order in orders for run in (0, 1)]
    assert len(set(shown)) == 4
    assert all(len(set(order)) == 16 for order in shown)
    assert torch.equal(orders[0][:, 1:], _order([5], 1, 17, 4, 4, "cpu"))
