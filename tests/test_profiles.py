"""Profiles: what they train, what is recorded, the command, and the spreading over a cluster."""

import json
import os
import platform
import re
import signal
import threading
from dataclasses import replace
from time import sleep

import numpy as np
import psutil
import pytest

from lib.convolutional import digits
from lib.convolutional.curves import default_path, read
from lib.convolutional.experiments import main, run
from lib.convolutional.profiles import PROFILES, Case, Profile, Task, both, get
from lib.convolutional.settings import Settings
from lib.records import RESULTS

TASK = Task(training=32, test=20, digits=2, r=3.0)
SMALL = Settings(
    channels=2, kernels=((3, 5),), batch=8, epochs=2, learning_rate=5e-3, init_std=0.1, precision="float64"
)
TINY = Profile(both(TASK, SMALL), seeds=3, measure=1, group=2)


@pytest.fixture(autouse=True)
def apart(monkeypatch, tmp_path):
    monkeypatch.delenv("BOOK_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache")
    monkeypatch.setitem(PROFILES, "tiny", TINY)


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_can_be_trained(name):
    profile = PROFILES[name]
    few = {"optimiser-rates": 1, "paper-start": 2}
    assert profile.seeds * len(profile.draws) >= few.get(name, 3)
    for case in profile.cases.values():
        width = {"digits": 8}.get(case.task.source, 28) // case.task.pooled
        image = width, case.task.digits * width
        assert case.settings.sizes(case.settings.view(image, case.task.digits))
        assert case.settings.epochs % profile.measure_of(case) == 0
        assert case.task.training or not case.task.drawn


def test_the_paper_s_profile_has_the_paper_s_settings():
    for label, architecture, channels in (("dense", "dense", 32), ("split", "split", 16)):
        case = PROFILES["paper"].cases[label]
        assert case.settings == Settings(
            architecture, channels, ((9, 27), (7, 21), (5, 15)), 2e-3, 16, 300, 0.01, 0.01, "float32", False
        )
        assert case.task == Task("mnist", 1, 1.0, False, None, None, 3, 10.0)
    assert PROFILES["paper"].seeds == 10


@pytest.mark.parametrize("drawn", [True, False])
def test_another_draw_divides_the_images_anew(drawn):
    task = replace(TASK, drawn=drawn)
    whole = digits.load()
    known = {image.tobytes() for image in whole.train_images}
    sets = replace(task, draw=2, training=300).composites()
    shown = [{p.tobytes() for image in part.images for p in np.split(image, 2, axis=1)} for part in sets]
    assert not shown[0] & shown[1]  # nothing that is trained on is tested on
    assert 0.6 < len(shown[0] & known) / len(shown[0]) < 0.9
    first, second = (replace(task, draw=draw).composites()[0] for draw in (0, 2))
    assert (first.labels != second.labels).any()


def test_composites_of_a_task_are_always_the_same():
    first, second = TASK.composites(), TASK.composites()
    np.testing.assert_array_equal(first[0].images, second[0].images)
    assert [len(part) for part in first] == [32, 20]
    test = {image.tobytes() for image in digits.load().test_images}
    assert all(part.tobytes() in test for part in np.split(first[1].images[0], 2, axis=1))
    ordered = replace(TASK, drawn=False, training=None, test=5).composites()
    assert [len(part) for part in ordered] == [675, 5]


def test_groups_of_runs_do_not_change_the_numbers():
    whole, parts = (run(replace(TINY, group=group)) for group in (3, 2))
    for label in ("dense", "split"):
        assert parts[label].seeds == [0, 1, 2]
        np.testing.assert_allclose(parts[label].train, whole[label].train, rtol=1e-12)
        np.testing.assert_allclose(parts[label].test, whole[label].test, rtol=1e-12)


def test_groups_trained_at_the_same_time_give_the_same_bits():
    one, two = (run(TINY, workers=workers) for workers in (1, 2))
    for label in TINY.cases:
        np.testing.assert_array_equal(two[label].train, one[label].train)
        np.testing.assert_array_equal(two[label].test, one[label].test)


def test_the_command_records_what_was_trained(tmp_path, capsys):
    out, kept = tmp_path / "new" / "record.json", tmp_path / "checkpoints"
    arguments = ["tiny", "--runs", "2", "--first-seed", "5", "--epochs", "3", "--quiet", "--out", str(out)]
    assert main([*arguments, "--checkpoints", str(kept)]) == 0
    assert "mean ± std over 2 runs" in capsys.readouterr().out
    content, histories = read("tiny", out)
    expected = run(TINY.changed(epochs=3), seeds=[5, 6])
    for label, history in histories.items():
        np.testing.assert_allclose(history.train, expected[label].train, rtol=1e-5)
        np.testing.assert_allclose(history.test, expected[label].test, rtol=1e-5)
        assert list(history.epochs) == [0, 1, 2, 3]
        entry = content["cases"][label]
        assert entry["settings"]["epochs"] == 3
        assert entry["settings"]["architecture"] == label
        assert entry["task"]["r"] == 3
        assert entry["seeds"] == [5, 6]
        assert len(entry["data_sha256"]) == 64
    assert (
        content["command"]
        == "python -m lib.convolutional.experiments tiny --runs 2 --first-seed 5 --epochs 3"
    )
    assert {"commit", "date", "device", "threads", "versions"} <= set(content)
    assert platform.node() not in out.read_text()
    assert len(list(kept.iterdir())) == 2
    assert [path.name for path in out.parent.iterdir()] == ["record.json"]


def test_what_a_begun_training_holds_can_be_recorded(tmp_path, capsys):
    """Each network as far as it has come; nothing is trained, and the training goes on as if nothing had been."""
    kept, out, whole = tmp_path / "checkpoints", tmp_path / "so-far.json", tmp_path / "whole.json"
    common = ["tiny", "--runs", "2", "--quiet", "--checkpoints", str(kept)]
    assert main([*common, "--so-far", "--out", str(out)]) == 1
    assert "is no checkpoint" in capsys.readouterr().err
    assert not out.exists()
    assert main([*common, "--epochs", "1", "--out", str(out)]) == 0
    further = replace(TINY, cases={"split": TINY.changed(epochs=3).cases["split"]})
    run(further, seeds=[0, 1], checkpoints=kept)
    before = {file: file.read_bytes() for file in kept.iterdir()}
    assert main([*common, "--so-far", "--out", str(out)]) == 0
    assert {file: file.read_bytes() for file in kept.iterdir()} == before
    content, found = read("tiny", out)
    assert {name: list(history.epochs) for name, history in found.items()} == {
        "dense": [0, 1],
        "split": [0, 1, 2, 3],
    }
    assert content["command"].endswith("tiny --runs 2 --so-far")
    assert content["cases"]["dense"]["settings"]["epochs"] == 1
    assert main([*common, "--epochs", "3", "--out", str(whole)]) == 0
    content, found = read("tiny", whole)
    expected = run(TINY.changed(epochs=3), seeds=[0, 1])
    for name, history in found.items():
        np.testing.assert_allclose(history.train, expected[name].train, rtol=1e-5)


def test_checkpoints_of_one_network_at_different_epochs_are_no_record(tmp_path, capsys):
    single = replace(TINY, group=1)
    run(single.changed(epochs=1), seeds=[0], checkpoints=tmp_path)
    run(single.changed(epochs=2), seeds=[1], checkpoints=tmp_path)
    options = ["--group", "1", "--runs", "2", "--so-far", "--checkpoints", str(tmp_path)]
    assert main(["tiny", *options, "--out", str(tmp_path / "record.json")]) == 1
    assert "different epochs, [1, 2]; record fewer runs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"training": None},
            r"training = None asks for all .* no end of them; give training a number, or set drawn",
        ),
        ({"test": None}, "test = None asks for all"),
        ({"training": 0}, "training = 0 is not an integer from 1 on"),
        ({"training": None, "drawn": False, "test": 2.5}, "test = 2.5 is not an integer"),
    ],
)
def test_counts_of_a_task_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Task(**changes)


def test_without_a_profile_the_command_lists_them(capsys):
    assert main([]) == 1
    told = capsys.readouterr().err
    assert told.startswith("Name a profile: python -m lib.convolutional.experiments ci")
    assert "\n  mnist-small\n" in told
    assert "usage" not in told


def test_read_says_how_to_make_a_missing_record(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match=r"x\.json is not there.* -m lib\.convolutional\.experiments paper",
    ):
        read("paper", tmp_path / "x.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["huge"], "profile = 'huge' is unknown; choose one of ci, r, shaping"),
        (["fashion-small"], "fashion-mnist is not downloaded, for its checksums are not known here"),
        (["mnist-small", "--data", "/nowhere"], "neither train-images-idx3-ubyte nor .* is in /nowhere"),
        (["tiny", "--runs", "0"], "seeds is empty"),
        (["tiny", "--workers", "0"], "--workers = 0 is not an integer from 1 on"),
        (["tiny", "--group", "0"], "--group = 0 is not an integer from 1 on"),
        (["tiny", "--epochs", "0"], "epochs = 0 is not an integer from 1 on"),
    ],
)
def test_refusals_of_the_command(arguments, message, capsys, tmp_path):
    assert main([*arguments, "--quiet", "--out", str(tmp_path / "record.json")]) == 1
    assert re.search(message, capsys.readouterr().err)
    assert not (tmp_path / "record.json").exists()


def under_way(content):
    return content["profile"] == "paper"


def records():
    others = {"cmnist_baselines", "cmnist_gates", "cmnist_transfer"}  # have commands of their own
    return [path for path in sorted(RESULTS.glob("cmnist_*.json")) if path.stem not in others]


@pytest.mark.parametrize("path", records(), ids=lambda path: path.stem)
def test_a_record_belongs_to_its_profile(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    profile = get(content["profile"])
    assert path == default_path(content["profile"])
    assert list(content["cases"]) == list(profile.cases)
    for label, entry in content["cases"].items():
        case = profile.cases[label]
        assert Task(**entry["task"]) == case.task
        settings = Settings(**entry["settings"])
        # the full experiment may still be under way
        assert settings == (
            replace(case.settings, epochs=settings.epochs) if under_way(content) else case.settings
        )
        entries = len(range(0, settings.epochs + 1, profile.measure_of(case)))
        for part in ("train", "test"):
            for curves in entry[part].values():
                assert np.array(curves).shape == (len(entry["seeds"]), entries)


def test_without_dask_the_command_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    assert main(["tiny", "--quiet", "--scheduler", "tcp://localhost:1"]) == 1
    assert "pip install dask distributed" in capsys.readouterr().err


@pytest.fixture(scope="module")
def client():
    """Two worker processes on this machine; skipped where dask.distributed is not installed."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_a_cluster_gives_the_same_numbers(client):
    here, there = run(TINY), run(TINY, client=client)
    for label in TINY.cases:
        assert there[label].seeds == here[label].seeds
        np.testing.assert_allclose(there[label].train, here[label].train, rtol=1e-12)
        np.testing.assert_allclose(there[label].test, here[label].test, rtol=1e-12)


def test_a_cluster_gives_the_same_numbers_when_a_worker_is_killed_midway(client, tmp_path):
    longer = replace(TINY.changed(epochs=300), measure=100)
    found = {}
    thread = threading.Thread(target=lambda: found.update(run(longer, client=client)))
    pids = client.run(os.getpid)
    thread.start()
    busy = {}
    while not busy:
        assert thread.is_alive()
        busy = {worker: tasks for worker, tasks in client.processing().items() if tasks}
        sleep(0.005)
    worker = next(iter(busy))
    process = psutil.Process(pids[worker])
    before = process.cpu_times().user
    while process.cpu_times().user < before + 0.1:  # it computes
        sleep(0.005)
    assert client.processing()[worker]  # still at work
    os.kill(pids[worker], signal.SIGKILL)
    thread.join()
    here = run(longer)
    for label in longer.cases:
        np.testing.assert_allclose(found[label].train, here[label].train, rtol=1e-9)
        np.testing.assert_allclose(found[label].test, here[label].test, rtol=1e-9)
    assert pids[worker] not in client.run(os.getpid).values()


def test_cases_of_both_architectures():
    cases = both(TASK, SMALL, ", r = 3")
    assert cases["split, r = 3"] == Case(TASK, replace(SMALL, architecture="split", channels=1))
