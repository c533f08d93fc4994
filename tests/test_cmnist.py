"""Chapter 9: the propositions on composites, trainings side by side, records that are there and that are not."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import plotting
from lib.checks.expected import read_expected
from lib.convolutional import experiments
from lib.convolutional.digits import Composites, at_random
from lib.convolutional.experiments import (
    Profile,
    Task,
    both,
    differing,
    get,
    read,
    record,
    run_side_by_side,
    write,
)
from lib.convolutional.networks import Network, Settings
from lib.convolutional.training import History, train

CHAPTER = Path(__file__).resolve().parents[1] / "chapters" / "09_cmnist.ipynb"
TINY = Profile(
    both(
        Task(training=32, test=20),
        Settings(channels=4, kernels=((3, 9), (3, 7)), learning_rate=1e-2, epochs=2, init_std=0.05),
    ),
    seeds=2,
    measure=1,
    group=1,
)
modest = settings(deadline=None, max_examples=20)


def cell(text):
    """The source of the chapter's only code cell in which this text stands."""
    cells = nbformat.read(CHAPTER, as_version=4).cells
    [source] = [c.source for c in cells if c.cell_type == "code" and text in c.source]
    return source


@modest
@given(st.integers(1, 2), st.floats(0.1, 20))
def test_the_modes_of_the_targets(digits, r):
    """Proposition on the targets, against the covariance over all numbers."""
    N, shared = 10**digits, 10 ** (digits - 1)
    labels = np.indices((10,) * digits).reshape(digits, N).T
    every = Composites(np.zeros((N, 1, 1), np.float32), labels, r)
    Y = np.hstack([every.compositional, every.noncompositional])
    Y -= Y.mean(axis=0)
    values, vectors = np.linalg.eigh(Y.T @ Y / N)
    values, vectors = values[::-1], vectors[:, ::-1]
    first, others = 9 * digits, N - 1 - 9 * digits
    np.testing.assert_allclose(values[:first], (shared + r**2) / N)
    np.testing.assert_allclose(values[first : first + others], r**2 / N)
    np.testing.assert_allclose(values[first + others :], 0, atol=1e-9 * r**2 + 1e-12)
    share = (vectors[: 10 * digits, :first] ** 2).sum(axis=0)
    np.testing.assert_allclose(share, shared / (shared + r**2), rtol=1e-6)
    assert np.abs(share - shared / (shared + (1.1 * r) ** 2)).min() > 1e-6  # it tells another r apart


def ratio(n, digits, r):
    """Of expected squared lengths: the proposition on a feature of one digit."""
    rest = 1 - 1 / n
    return r**2 * (1 / n + rest / 10**digits) / (digits / n + rest / 10)


@pytest.mark.parametrize(("n", "digits", "r"), [(20, 2, 2.0), (50, 2, 1.0), (200, 2, 5.0), (300, 3, 10.0)])
def test_how_a_feature_of_one_digit_correlates(n, digits, r):
    rng = np.random.default_rng(0)
    values = rng.normal(size=10)
    values -= values.mean()
    squares = []
    for _ in range(400):
        images, labels = np.zeros((10, 1, 1), np.float32), np.arange(10)
        drawn = at_random(images, labels, n, rng, digits, r)
        f = values[drawn.labels[:, 0]]
        squares.append(
            [((f @ block / n) ** 2).sum() for block in (drawn.compositional, drawn.noncompositional)]
        )
    comp, noncomp = np.mean(squares, axis=0)
    found = noncomp / comp
    assert found == pytest.approx(ratio(n, digits, r), rel=0.05)
    # The population's ratio, which forgets that a training set is finite, does not do.
    assert found != pytest.approx(r**2 / 10 ** (digits - 1), rel=0.05)


def test_the_start_passes_on_each_blocks_share_of_the_loss():
    """The chapter's function `pull`, on a network whose readout favours neither block, and on one that does."""
    scope = {"np": np, "torch": torch}
    exec(cell("def pull").split("by_r =")[0], scope)
    case = TINY.cases["dense"]
    training, _ = case.task.composites()
    network = Network(case.settings, training.images.shape[1:], 3, 10.0, seeds=[0])
    assert scope["pull"](network, training) == pytest.approx(100 / 103, abs=0.01)
    network.readouts[0][:, :, 30:] = 0
    assert scope["pull"](network, training) == 0


def test_runs_side_by_side_are_runs_alone():
    threads = torch.get_num_threads()
    together = run_side_by_side(TINY)
    assert torch.get_num_threads() == threads
    for name, case in TINY.cases.items():
        alone = train(case.settings, *case.task.composites(), seeds=[0, 1], device="cpu")
        np.testing.assert_allclose(together[name].test, alone.test, rtol=1e-4)
        assert np.abs(together[name].test[0] - together[name].test[1]).max() > 1e-3


def test_threads_are_restored_after_a_failure():
    threads = torch.get_num_threads()
    with pytest.raises(ValueError, match="measure = 2"):
        run_side_by_side(replace(TINY, measure=2).changed(epochs=3))
    assert torch.get_num_threads() == threads


def test_other_numbers_of_digits_have_kernels_that_fit():
    for name in ("ci", "mnist-small", "paper"):
        profile = get(name)
        assert profile.posed() == profile
        size = {"ci": 8, "mnist-small": 7, "paper": 28}[name]
        for digits in range(1, 6):
            for case in profile.posed(digits=digits, r=2.0).cases.values():
                assert (case.task.digits, case.task.r) == (digits, 2.0)
                assert min(case.settings.sizes((size, size * digits))[-1]) >= 1


def test_a_record_that_differs_from_its_profile_is_named():
    histories = {
        name: History([0], np.arange(3), np.ones((1, 3, 2)), np.ones((1, 3, 2)), 1.0) for name in TINY.cases
    }
    content = json.loads(json.dumps(record("tiny", TINY, histories)))
    assert differing(content, TINY) == []
    assert differing(content, TINY.changed(epochs=3)) == ["dense", "split"]
    assert differing(content, TINY.posed(r=3.0)) == ["dense", "split"]
    content["cases"]["split"]["settings"]["channels"] = 3
    assert differing(content, TINY) == ["split"]
    del content["cases"]["dense"]
    assert differing(content, TINY) == ["dense", "split"]


@pytest.fixture
def scope(monkeypatch):
    """What the chapter's cells on large records need, with a ledger that keeps what is checked."""
    kept, drawn = {}, []
    monkeypatch.setattr(plotting, "save", lambda figure, name: drawn.append((figure, name)))
    ledger = type("Ledger", (), {"check": staticmethod(kept.__setitem__)})
    records = {"ci": read("ci")}
    imports = cell("from lib.checks import Ledger").split("ledger =")[0]
    names = {"ledger": ledger, "records": records, "kept": kept, "drawn": drawn}
    exec(imports, names)
    names["ledger"] = ledger
    exec(cell("def draw("), names)
    return names


def show(scope):
    exec(cell('ledger.check("least_recorded_gap"'), scope)
    exec(cell('plotting.save(figure, "cmnist-recorded")'), scope)
    [(figure, _)] = scope["drawn"]
    return [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes]


def made_up(monkeypatch, folder, gap):
    """A folder of records with one of the profile paper, whose dense network ends worse by the gap."""
    content, _ = read("mnist-small")
    monkeypatch.setattr(experiments, "RESULTS", folder)
    write(content)
    content["profile"] = "paper"
    for name, case in get("paper").cases.items():
        entry = content["cases"][name]
        entry |= {"task": asdict(case.task), "settings": case.settings.as_dict()}
        for course in entry["test"]["compositional"]:
            course[-1] = 1 + gap if name == "dense" else 1
    write(content)


def test_a_record_still_to_come_is_named(scope, capsys, monkeypatch, tmp_path):
    small, _ = read("mnist-small")
    monkeypatch.setattr(experiments, "RESULTS", tmp_path)
    write(small)
    assert [title for title in show(scope) if title] == ["mnist-small"]
    told = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in told] == ["fashion-small", "paper-start", "paper"]
    assert "`python -m lib.convolutional.experiments paper`" in told[2]


@pytest.mark.parametrize("gap", [0.25, -0.25])
def test_a_record_of_the_paper_is_shown_as_soon_as_it_is_there(gap, scope, capsys, monkeypatch, tmp_path):
    made_up(monkeypatch, tmp_path, gap)
    assert [title for title in show(scope) if title] == ["mnist-small", "paper"]
    assert "profiles paper`" not in capsys.readouterr().out
    assert scope["kept"]["stale_large_cases"] == 0
    assert (scope["kept"]["least_recorded_gap"] > 0) == (gap > 0)


def test_expected_ranges_are_those_of_the_validation_seeds():
    """The numbers in the file of expected numbers are the record's, to their four digits."""
    expected = read_expected("cmnist")["numbers"]
    _, histories = read("ci")
    for name, history in histories.items():
        assert history.seeds == list(range(100, 110))
        for part in ("train", "test"):
            for kind, short in enumerate(("comp", "noncomp")):
                last = getattr(history, part)[:, -1, kind]
                entry = expected[f"{name}_{part}_{short}"]
                assert entry["value"] == pytest.approx(last.mean(), abs=1e-4)
                error = last.std(ddof=1) * np.sqrt(1 / 2 + 1 / 10)
                assert entry["standard_error"] == pytest.approx(error, abs=1e-4)
