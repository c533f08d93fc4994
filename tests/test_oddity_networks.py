"""Networks of the oddity tasks, their subnetworks, the planted ones, and the profiles that record them."""

import json
import platform
from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.oddity import experiments, masks, measurements, planted, rendering, tasks
from lib.oddity.experiments import PROFILES, Profile, main, read, run, values
from lib.oddity.measurements import TESTS, Case, Search
from lib.oddity.networks import PARTS, STANDARDISED, Training, build, embed, train
from lib.subnetworks.sparsification import Sparsification

SHORT = Training(steps=3, batch=4)
TINY = Profile(
    {
        "F": Case("inside-contact", "F", SHORT, (Search("head", (1e-5, 1e-4), 2),)),
        "F, head": Case("inside-contact", "F", SHORT, (Search("head", (1e-5,), 2),), "head"),
        "M, split": Case("inside-contact", "M", SHORT, (Search("head", (1e-5,), 2),), "split"),
    },
    seeds=2,
)

DRAW_POOLS = tasks.pools.__wrapped__  # which remembers nothing


@pytest.fixture(autouse=True)
def small(monkeypatch):
    full = tasks.pools
    monkeypatch.setattr(tasks, "pools", lambda task, share=1.0: full(task, 0.01 * share))
    monkeypatch.setattr(planted, "ON_FEATURES", Training(steps=3, batch=8))
    monkeypatch.setattr(measurements, "ITEMS", 40)
    monkeypatch.setitem(PROFILES, "tiny", TINY)


def any_network(name, seed=0):
    words = {"transformer": (60, 8)}.get(name, ())
    shape = {"transformer": (7, 8)}.get(name, (7, 1, 32, 32))
    rng = np.random.default_rng(seed)
    stimuli = rng.integers(60, size=shape) if words else rng.random(shape, dtype=np.float32)
    return build(name, seed, *words), stimuli


@pytest.mark.parametrize(("name", "weights"), [("M", 26128), (STANDARDISED, 26128), ("F", 44560)])
def test_sizes(name, weights):
    network, _ = any_network(name)
    assert sum(p.numel() for p in network.parameters() if p.ndim > 1) == weights


def test_the_standardised_network_reads_grey_values_of_mean_0_and_deviation_1():
    network, _ = any_network(STANDARDISED)
    images = torch.from_numpy(tasks.pools("inside-contact")[0].stimuli)
    read = network.pixels(images)
    assert abs(float(read.mean())) < 0.05
    assert float(read.std()) == pytest.approx(1, abs=0.05)
    raw, _ = any_network("M")
    torch.testing.assert_close(raw((images[:5] - 0.07) / 0.2), network(images[:5]))


@pytest.mark.parametrize("name", PARTS)
def test_every_part_computes_what_its_network_does(name):
    network, stimuli = any_network(name)
    for stages in PARTS[name].values():
        part = masks.cut(network, stages)
        features = part.features(stimuli)
        torch.testing.assert_close(part.embed(features), embed(network, stimuli))
        everything = [torch.ones_like(weight, dtype=torch.bool) for weight in part.weights]
        torch.testing.assert_close(part.embed(features, everything), embed(network, stimuli))
        names = [name for name in part.names if "norm" in name or "bias" in name or "word" in name]
        assert names == []


@pytest.mark.parametrize("name", PARTS)
def test_a_mask_of_everything_does_both_rules_and_its_ablation_neither(name):
    """What a mask that keeps everything gives away: the other partition as well as its own, and nothing left."""
    network, stimuli = any_network(name)
    part = masks.cut(network, PARTS[name]["all"])
    everything = [torch.ones_like(weight, dtype=torch.bool) for weight in part.weights]
    features = part.features(stimuli)
    assert masks.kept(everything) == 1
    found = part.embed(features, masks.inverted(everything))
    torch.testing.assert_close(found, found[:1].expand_as(found))  # all stimuli alike: chance, by ties


def test_training_lowers_the_loss():
    pool = tasks.pools("agreement")[0]
    network = build("transformer", 0, 60, 8)
    losses = train(network, pool, Training(steps=150), 0)
    assert losses.shape == (150,)
    assert losses[-20:].mean() < 0.8 * losses[:5].mean()


def test_the_learning_rate_falls_over_the_last_30_percent():
    training = Training(steps=100)
    assert [training.rate(step) for step in (0, 70, 85, 100)] == pytest.approx([1, 1, 0.5, 0])


def learned():
    """A head whose half of the inputs shows the first rule and half the second, and items of these inputs."""
    pool = tasks.pools("inside-contact")[0]
    shown = torch.from_numpy(pool.properties).float() * 2 - 1
    noise = torch.randn(len(pool), 2, generator=torch.Generator().manual_seed(0))
    return pool, torch.cat([shown, noise], dim=1)


def test_the_search_finds_the_input_that_a_rule_needs():
    pool, features = learned()
    network = torch.nn.Sequential()
    network.add_module("output", torch.nn.Linear(4, 4, bias=False))
    with torch.no_grad():
        network.output.weight.copy_(torch.eye(4))
    part = masks.cut(network, ("output",))
    found = masks.find(part, pool, features, Sparsification(penalty=1e-3, steps=300), 0)
    for rule, (mask,) in enumerate(found):
        expected = torch.zeros(4, 4, dtype=torch.bool)
        expected[rule, rule] = True
        assert torch.equal(mask, expected)
    again = masks.find(part, pool, features, Sparsification(penalty=1e-3, steps=300), 0)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(found, again))
    swapped = masks.find(
        part, pool, features, Sparsification(penalty=1e-3, steps=300), 0, kinds=("second", "first")
    )
    assert not torch.equal(swapped[0][0], found[0][0])  # labels of the two rules swapped


def test_a_random_mask_keeps_as_many_weights_of_every_layer():
    mask = [torch.rand(5, 7) > 0.6, torch.rand(3, 2, 3, 3) > 0.2]
    other = masks.random_mask(mask, np.random.default_rng(0))
    assert [int(layer.sum()) for layer in other] == [int(layer.sum()) for layer in mask]
    assert not all(torch.equal(a, b) for a, b in zip(mask, other))


@pytest.mark.parametrize("name", PARTS)
def test_the_halves_of_a_split_network_do_not_reach_each_other(name):
    network, stimuli = any_network(name)
    task = {"transformer": "agreement"}.get(name, "inside-contact")
    made = planted.plant_split(network, tasks.pools(task)[0], SHORT, 0)
    part = masks.cut(made, PARTS[name]["all"])
    first, second = planted.split_truth(part)
    for weight, one, other in zip(part.weights, first, second):
        assert not (one & other).any()
        assert (weight[~(one | other)] == 0).all()
        assert (weight[one] != 0).any()
    if name == "M":  # F and the transformer normalise, the transformer over both halves
        features = part.features(stimuli)
        whole, alone = part.embed(features), part.embed(features, first)
        torch.testing.assert_close(alone[:, :8], whole[:, :8])
        assert not torch.allclose(alone[:, 8:], whole[:, 8:])
    assert planted.share_found(first, [first, second], 0) == 1
    assert planted.share_found(first, [first, second], 1) == 0
    both = [a | b for a, b in zip(first, second)]
    assert planted.share_found(both, [first, second], 0) == pytest.approx(0.5)


def test_a_planted_head_keeps_its_halves():
    network, _ = any_network("F")
    pool = tasks.pools("inside-contact")[0]
    features = masks.cut(network, ("hidden",)).features(pool.stimuli)
    made = planted.plant_head(network, pool, features, 0)
    torch.testing.assert_close(made.conv1[0].weight, network.conv1[0].weight)
    part = masks.cut(made, PARTS["F"]["head"])
    first, second = planted.head_truth(part)
    assert all(torch.equal(a, ~b) for a, b in zip(first, second))
    assert not torch.equal(made.hidden[0].weight, network.hidden[0].weight)


def test_a_profile_is_measured_kept_and_gone_on_from(tmp_path, monkeypatch):
    found = run(TINY, [3, 4], tmp_path)
    assert [len(runs) for runs in found.values()] == [2, 2, 2]
    monkeypatch.setattr(experiments, "measure", None)  # a second run must not measure again
    assert run(TINY, [4], tmp_path)["F"] == found["F"][1:]
    with pytest.raises(TypeError):
        run(TINY, [5], tmp_path)


def test_other_steps_are_another_measurement(tmp_path):
    run(TINY, [3], tmp_path)
    before = len(list(tmp_path.glob("measured-*.json")))
    longer = Profile({"F": replace(TINY.cases["F"], training=Training(steps=4, batch=4))})
    run(longer, [3], tmp_path)
    assert len(list(tmp_path.glob("measured-*.json"))) == before + 1


def test_other_images_are_another_measurement_of_another_network(tmp_path, monkeypatch):
    case = Profile({"F": TINY.cases["F"]})
    run(case, [3], tmp_path)
    monkeypatch.setattr(rendering, "WIDTH", 1.3)
    monkeypatch.setattr(tasks, "pools", lambda task, share=1.0: DRAW_POOLS(task, 0.01 * share))
    run(case, [3], tmp_path)
    assert len(list(tmp_path.glob("measured-*.json"))) == 2
    assert len(list(tmp_path.glob("*.pt"))) == 2


def test_the_command_records_what_was_measured(tmp_path, capsys):
    out = tmp_path / "record.json"
    arguments = ["tiny", "--runs", "2", "--first-seed", "7", "--quiet", "--out", str(out)]
    assert main([*arguments, "--checkpoints", str(tmp_path / "kept")]) == 0
    assert "mean over 2 runs" in capsys.readouterr().out
    content = read("tiny", out)
    assert content["command"] == "python -m lib.oddity.experiments tiny --runs 2 --first-seed 7"
    assert values(content, "F", "trained", "head", "alone").shape == (2, 2, 2, len(TESTS))
    assert values(content, "F", "untrained", "head", "random_ablated").shape == (2, 2, 2, len(TESTS))
    assert values(content, "M, split", "planted", "head", "share").shape == (2, 1, 2)
    direct = run(TINY, [7, 8], tmp_path / "kept")
    expected = [one["trained"]["whole"] for one in direct["F"]]
    np.testing.assert_allclose(values(content, "F", "trained", "whole"), expected, atol=1e-5)
    assert experiments.differing(content, replace(TINY, seeds=2)) == []
    other = replace(TINY.cases["F"], training=Training(steps=4, batch=4))
    assert experiments.differing(content, Profile(TINY.cases | {"F": other}, seeds=2)) == ["F"]
    assert experiments.differing(content, replace(TINY, seeds=3)) == sorted(TINY.cases)
    assert platform.node() not in out.read_text()
    assert json.loads(out.read_text())["seeds"] == [7, 8]


def test_a_cluster_gives_the_same_numbers(tmp_path):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None, "processes": False}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        there = run(TINY, [3], tmp_path / "there", client=client)
    here = run(TINY, [3], tmp_path / "here")
    for label, runs in here.items():
        kind = "planted" if "planted" in runs[0] else "trained"
        np.testing.assert_allclose(there[label][0][kind]["whole"], runs[0][kind]["whole"], atol=1e-6)


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "tiny"])
def test_every_profile_names_what_there_is(name):
    for case in PROFILES[name].cases.values():
        assert case.task in tasks.TASKS
        assert (case.network == "transformer") == (case.task in tasks.LANGUAGE)
        assert {search.part for search in case.searches} <= set(PARTS[case.network])
        assert case.planted in ("", "head", "split")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["huge"], "profile = 'huge' is unknown; choose one of oddity-planted"),
        (["tiny", "--runs", "0"], "seeds is empty"),
        (["tiny", "--workers", "0"], "--workers = 0 is not an integer from 1 on"),
    ],
)
def test_refusals_of_the_command(arguments, message, capsys, tmp_path):
    assert main([*arguments, "--quiet", "--out", str(tmp_path / "record.json")]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: build("G", 0), "network = 'G' is unknown; choose one of M, standardised M, F, transformer"),
        (lambda: masks.cut(build("M", 0), ("conv9",)), r"stages = \['conv9'\]: give some of conv1"),
        (lambda: Training(steps=0), "steps = 0 is not an integer from 1 on"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
