"""The propositions on composites, trainings side by side, records that are there and that are not."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.checks.expected import read_expected
from lib.convolutional import baselines, profiles, tables
from lib.convolutional.analysis import at_equal_training, best, first_epoch, last
from lib.convolutional.baselines import own_part, whole_image
from lib.convolutional.curves import differing, read, record
from lib.convolutional.digits import Composites, at_random
from lib.convolutional.gated import Gated
from lib.convolutional.gated import train as train_gated
from lib.convolutional.networks import Network
from lib.convolutional.profiles import Profile, Task, both, get
from lib.convolutional.settings import Settings
from lib.convolutional.training import History, train

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


def test_what_a_block_shapes_is_what_it_passes_on():
    """shaped 1 : 0 trains the trunk as a module of the digits alone does; the readouts are as before."""
    settings = replace(TINY.cases["dense"].settings, precision="float64")
    training, test = TINY.cases["dense"].task.composites()
    alone = train(replace(settings, architecture="split"), training, test, [3], measure=2)
    watched = train(replace(settings, shaping=(1.0, 0.0)), training, test, [3], measure=2)
    whole = train(settings, training, test, [3], measure=2)
    trunk = [net.network.kernels[0][0, 0] for net in (alone, watched, whole)]
    assert not torch.equal(trunk[1], trunk[2])
    # both start from the same kernels, but readouts are drawn with other shapes: compare one step by hand
    network = Network(settings, training.images.shape[1:], 3, 10.0, [3])
    images, labels = torch.from_numpy(training.images[:8]).double(), torch.from_numpy(training.labels[:8])
    before = network.kernels[0].clone()
    found = network.kernel_gradients(
        images[None], labels[None], torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    )
    one = Network(replace(settings, shaping=(1.0, 0.0)), training.images.shape[1:], 3, 10.0, [3])
    one.step(images[None], labels[None])
    torch.testing.assert_close(one.kernels[0], before - settings.learning_rate * found[0], rtol=0, atol=1e-12)


def test_scores_of_parts_are_those_of_each_digit_alone():
    """A module sees its part only: other parts may change as they like."""
    settings = replace(TINY.cases["dense"].settings, architecture="parts", kernels=((3, 3), (3, 2)))
    network = Network(settings, (8, 24), 3, 10.0, [0, 1])
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.random((5, 8, 24), np.float32))
    other = images.clone()
    other[:, :, 8:] = torch.from_numpy(rng.random((5, 8, 16), np.float32))
    first, second = network.predict(images), network.predict(other)
    torch.testing.assert_close(first[..., :10], second[..., :10])
    assert (first[..., 10:] != second[..., 10:]).any(dim=-1).all()
    training, test = TINY.cases["dense"].task.composites()
    history = train(replace(settings, epochs=4), training, test, [0], measure=4)
    assert history.train[0, -1, 0] < history.train[0, 0, 0]
    assert np.isnan(history.test[..., [1, 3]]).all()


def test_seen_and_unseen_numbers_make_up_the_test_set():
    training, test = Task(training=300, test=200).composites()
    settings = replace(TINY.cases["split"].settings, epochs=1)
    history = train(settings, training, test, [0])
    seen = np.isin(test.numbers, training.numbers).mean()
    assert 0.15 < seen < 0.4
    np.testing.assert_allclose(seen * history.seen + (1 - seen) * history.unseen, history.test, rtol=1e-9)


def test_regressions_know_what_they_are_shown():
    training, test = Task(training=200, test=100).composites()
    errors = [whole_image(training, test), own_part(training, test), own_part(training, test, kernel=True)]
    assert 0.9 > errors[0][0] > errors[1][0] > errors[2][0] > 0
    assert errors[0][1] < errors[2][1]
    shuffled = replace(training, labels=training.labels[::-1])
    assert whole_image(shuffled, test)[0] > 0.85


def test_gates_of_zero_and_one_make_the_split_network():
    settings = replace(TINY.cases["split"].settings, channels=2)
    training, test = TINY.cases["split"].task.composites()
    net = Gated(settings, (8, 24), 3, seed=0)
    net.difference.data = torch.tensor([40.0, -40.0])
    images = torch.from_numpy(test.images)
    before = net(images)
    net.trunks[1][0].weight.data += 1
    after = net(images)
    torch.testing.assert_close(before[:, :30], after[:, :30])
    assert (before[:, 30:] != after[:, 30:]).any()
    history = train_gated(settings, training, test, [0], measure=1)
    assert history.test.shape == history.apart.shape == (1, 3)
    assert history.test[0, -1] < history.test[0, 0]
    fixed = train_gated(settings, training, test, [0], measure=1, start=3.0, fixed=True)
    assert np.ptp(fixed.apart) == 0
    assert fixed.apart[0, 0] > 0.8


def test_readings_of_a_training():
    train_errors = np.array([[1.0, 0.8, 0.4, 0.2], [1.0, 0.9, 0.8, 0.7]])
    test_errors = np.array([[1.0, 0.7, 0.6, 0.9], [1.0, 0.95, 0.9, 0.85]])
    parts = [np.stack([part] * 4, axis=-1) for part in (train_errors, test_errors)]
    history = History([0, 1], np.arange(0, 40, 10), *parts, parts[1], parts[1], 1.0)
    np.testing.assert_allclose(last(history), [0.9, 0.85])
    np.testing.assert_allclose(best(history), [0.6, 0.85])
    np.testing.assert_allclose(first_epoch(history, 0.6), [15, np.nan])
    np.testing.assert_allclose(at_equal_training(history, 0.6), [0.65, np.nan])


def test_other_numbers_of_digits_have_kernels_that_fit():
    for name in ("ci", "mnist-small", "paper"):
        profile = get(name)
        assert profile.posed() == profile
        size = {"ci": 8, "mnist-small": 7, "paper": 28}[name]
        for digits in range(1, 6):
            for case in profile.posed(digits=digits, r=2.0).cases.values():
                assert (case.task.digits, case.task.r) == (digits, 2.0)
                assert min(case.settings.sizes((size, size * digits))[-1]) >= 1


def made_up(epochs=2):
    parts = [np.ones((1, epochs + 1, 4)) for _ in range(4)]
    return {name: History([0], np.arange(epochs + 1), *parts, 1.0) for name in TINY.cases}


def test_a_record_that_differs_from_its_profile_is_named():
    content = json.loads(json.dumps(record("tiny", TINY, made_up())))
    assert differing(content, TINY) == []
    assert differing(content, TINY.changed(epochs=3)) == ["dense", "split"]
    assert differing(content, TINY.posed(r=3.0)) == ["dense", "split"]
    content["cases"]["split"]["settings"]["channels"] = 3
    assert differing(content, TINY) == ["split"]
    del content["cases"]["dense"]
    assert differing(content, TINY) == ["dense", "split"]


def test_a_reader_s_profile():
    adapted = get("ci").adapted(1.0, 2, triples=300, epochs=6)
    assert adapted.cases["dense"].task == Task(training=300, digits=2, r=1.0)
    assert adapted.cases["dense"].settings.epochs % adapted.measure == 0
    with pytest.raises(ValueError, match="compares shaped"):
        get("shaping").adapted(10.0, 3)
    with pytest.raises(ValueError, match="epochs = -1 is not an integer from 0 on"):
        get("ci").adapted(10.0, 3, epochs=-1)


def test_expected_ranges_are_those_of_the_recorded_seeds():
    """The numbers in the file of expected numbers are the record's, to their four digits."""
    expected = read_expected("cmnist")["numbers"]
    _, histories = read("ci")
    for name, history in histories.items():
        assert history.seeds == 3 * [100, 101, 102]
        assert history.draws == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        for part in ("train", "test"):
            for kind, short in enumerate(("comp", "noncomp", "right")):
                values = getattr(history, part)[:, -1, kind]
                entry = expected[f"{name}_{part}_{short}"]
                assert entry["value"] == pytest.approx(values.mean(), abs=1e-4)
                error = values.std(ddof=1) * np.sqrt(1 + 1 / 9)
                assert entry["standard_error"] == pytest.approx(error, abs=1e-4)


def test_the_paper_s_yardsticks_were_measured_on_the_images_of_its_networks():
    images = json.loads(baselines.PATH.read_text(encoding="utf-8"))["data_sha256"]
    content, _ = read("paper")
    assert {entry["data_sha256"] for entry in content["cases"].values()} == {images}
    for error, right in baselines.recorded().values():
        assert 0 < error < 0.9  # the error of the mean targets
        assert right > 0.1


def test_yardsticks_without_images_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(baselines, "PATH", tmp_path / "record.json")
    assert baselines.main(["--data", str(tmp_path / "nowhere")]) == 1
    assert str(tmp_path / "nowhere") in capsys.readouterr().err
    assert not baselines.PATH.exists()


def test_every_source_of_digits_has_a_name_in_the_table_of_trainings():
    used = {case.task.source for name in profiles.PROFILES for case in profiles.get(name).cases.values()}
    assert used <= set(tables.SOURCES)
    assert "fashion-mnist" in used
