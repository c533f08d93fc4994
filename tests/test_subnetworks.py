"""Subnetworks of convolutional networks: gradients, what is found in known networks, profiles and records."""

import json
import platform
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.convolutional.networks import Network
from lib.convolutional.profiles import Case, Task
from lib.convolutional.settings import Settings
from lib.convolutional.training import train
from lib.records import RESULTS
from lib.subnetworks import experiments
from lib.subnetworks.convolutional import SUBROUTINES, errors, find, shuffled, tuned
from lib.subnetworks.experiments import (
    FIRST_SEED,
    PROFILES,
    Profile,
    Study,
    default_path,
    main,
    read,
)
from lib.subnetworks.overlap import overlap
from lib.subnetworks.planted import embed, prune, recovered
from lib.subnetworks.sparsification import Sparsification

TASK = Task(training=300, test=100, digits=2, r=5.0)
SMALL = Settings(
    channels=6, kernels=((3, 7), (3, 5)), learning_rate=2e-2, epochs=40, init_std=0.15, readout_std=0.05
)
IMAGE = (8, 16)
QUICK = Sparsification(steps=150)


@pytest.fixture(scope="module")
def sets():
    return TASK.composites()


@pytest.fixture(scope="module")
def trained(sets):
    """A dense and a split network, two runs each."""
    return {
        name: train(replace(SMALL, architecture=name), *sets, [0, 1], measure=40).network
        for name in ("dense", "split")
    }


@pytest.fixture(scope="module")
def found(trained, sets):
    return {name: find(net, sets[0], QUICK, penalties=[1e-5, 1e-3]) for name, net in trained.items()}


@pytest.mark.parametrize("architecture", ["dense", "split"])
def test_gradients_of_each_block_are_those_of_autograd(architecture):
    """Written with torch's own convolution, in float64, for masked kernels."""
    settings = replace(SMALL, architecture=architecture, precision="float64", init_std=0.3)
    net = Network(settings, IMAGE, 2, 5.0, [0, 1])
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 5, *IMAGE, generator=generator, dtype=torch.float64)
    labels = torch.randint(10, (2, 5, 2), generator=generator)
    weights = torch.tensor([[0.5, 0.0], [0.3, 0.7]], dtype=torch.float64)
    kernels = [k * (torch.rand(k.shape, generator=generator) < 0.7) for k in net.kernels]
    gradients = net.with_kernels(kernels).kernel_gradients(images, labels, weights)
    leaves = [kernel.clone().requires_grad_() for kernel in kernels]
    total = 0
    for run in range(2):
        outputs = []
        for module in range(len(net.outputs)):
            x = images[run][:, None]
            for kernel, bias in zip(leaves, net.biases):
                x = torch.conv2d(x, kernel[module, run].permute(3, 2, 0, 1), bias[module, run]).relu()
            features = x.permute(0, 2, 3, 1).flatten(1)
            outputs.append(features @ net.readouts[module][run] + net.offsets[module][run])
        one_hot = torch.nn.functional.one_hot
        number = 10 * labels[run, :, 0] + labels[run, :, 1]
        targets = torch.cat([one_hot(labels[run], 10).flatten(1), 5.0 * one_hot(number, 100)], 1)
        squares = (torch.cat(outputs, 1) - targets).square()
        total += (weights[run, 0] * squares[:, :20].sum(1) + weights[run, 1] * squares[:, 20:].sum(1)).mean()
    for mine, its in zip(gradients, torch.autograd.grad(total, leaves)):
        assert its.abs().max() > 1e-3
        torch.testing.assert_close(mine, its, rtol=0, atol=1e-11)


def test_a_stack_gives_the_masks_of_its_entries_and_a_rerun_the_same_bits(trained, sets, found):
    again = find(trained["split"], sets[0], QUICK, penalties=[1e-5, 1e-3])
    assert all(torch.equal(a, b) for a, b in zip(again.masks, found["split"].masks))
    for network in trained.values():
        exact = Network(replace(network.settings, precision="float64"), IMAGE, 2, 5.0, [0, 1])
        exact.load(network.parameters)
        short = replace(QUICK, steps=40)
        together = find(exact, sets[0], short, penalties=[1e-5, 1e-3])
        beside = find(exact.take([1, 1]), sets[0], short, penalties=[1e-4, 1e-3])  # other neighbours
        for mine, its in zip(beside.layers(1, 1, 1), together.layers(1, 1, 1), strict=True):
            np.testing.assert_array_equal(mine, its)
        # in a smaller stack a sigmoid may round otherwise, as a vector's body and its tail do
        one = find(exact.take([1]), sets[0], short, subroutines=[SUBROUTINES[1]], penalties=[1e-3])
        mine, its = (np.concatenate(masks) for masks in (one.layers(0, 0, 0), together.layers(1, 1, 1)))
        assert (mine != its).sum() <= 2
        assert 0 < one.kept() < 1


def test_each_subroutine_and_run_sees_the_composites_in_its_own_order_whatever_the_penalty(
    trained, sets, monkeypatch
):
    seen, compute = [], Network.kernel_gradients

    def spy(network, images, labels, weights):
        seen.append(images.clone())
        return compute(network, images, labels, weights)

    monkeypatch.setattr(Network, "kernel_gradients", spy)
    find(trained["dense"], sets[0], replace(QUICK, steps=36), penalties=[1e-5, 1e-3])
    epoch = torch.cat(seen[:18], dim=1).flatten(2)  # (λ · subroutines · runs, images, pixels)
    assert torch.equal(epoch[:4], epoch[4:])
    assert len({entry.numpy().tobytes() for entry in epoch[:4]}) == 4
    shown = {image.tobytes() for image in sets[0].images}
    for entry in epoch:
        assert {image.numpy().tobytes() for image in entry} <= shown
        assert len({image.numpy().tobytes() for image in entry}) > 270  # 288 of 300, some of them alike
    assert not torch.equal(torch.cat(seen[18:], dim=1).flatten(2), epoch)


def test_a_subroutine_named_twice_sees_another_order(trained, sets):
    name = SUBROUTINES[0]
    twice = find(trained["dense"], sets[0], QUICK, subroutines=[name, name], penalties=[1e-4])
    once = find(trained["dense"], sets[0], QUICK, subroutines=[name], penalties=[1e-4])
    for run in (0, 1):
        pair = overlap(twice.layers(0, 0, run), twice.layers(0, 1, run))
        assert 0.5 < pair.jaccard < 1
        assert overlap(once.layers(0, 0, run), twice.layers(0, 0, run)).jaccard > 0.99


def test_the_split_network_dissociates_and_the_dense_one_does_not(trained, sets, found):
    for name, network in trained.items():
        whole, sub = errors(network, sets[0]), found[name]
        alone, ablated = (sub.errors(net, sets[0])[0] for net in (sub.alone(), sub.ablated()))
        for block in (0, 1):
            assert (
                alone[block, :, block] < whole[:, block] + 0.05
            ).all()  # the subnetwork does its subroutine
            assert (ablated[block, :, block] > 0.85).all()  # without it nothing does
        other = [ablated[0, :, 1] - whole[:, 1], ablated[1, :, 0] - whole[:, 0]]
        if name == "split":
            np.testing.assert_allclose(other, 0, atol=1e-6)  # the other subroutine goes on as before
            redrawn = sub.errors(sub.redrawn(), sets[0])[0]
            np.testing.assert_allclose(redrawn[0, :, 1], whole[:, 1], atol=1e-6)
        else:
            assert np.min(other) > 0.2


def test_masks_are_counted_as_the_shapes_say(found, trained):
    for name, sub in found.items():
        assert sub.shape == (2, 2, 2)
        modules = 2 if name == "split" else 1
        for penalty, subroutine, run in np.ndindex(*sub.shape):
            layers, weights = sub.layers(penalty, subroutine, run), sub.weights(run)
            entry = (2 * penalty + subroutine) * 2 + run
            parts = [[mask[module, entry] for module in range(modules)] for mask in sub.masks]
            for layer, part, weight, kernel in zip(layers, parts, weights, trained[name].kernels):
                np.testing.assert_array_equal(layer, torch.stack(part).flatten())
                np.testing.assert_array_equal(weight, kernel[:, run].flatten())
            kept = np.concatenate(layers).mean()
            assert sub.kept()[penalty, subroutine, run] == pytest.approx(kept)
    assert (found["dense"].kept()[1] < found["dense"].kept()[0]).all()


def test_what_is_redrawn_are_the_subnetwork_s_weights_in_their_layer(found):
    sub = found["dense"]
    changed, other = sub.redrawn(0), sub.redrawn(1)
    for before, after, second, mask in zip(sub.network.kernels, changed.kernels, other.kernels, sub.masks):
        assert torch.equal(before[~mask], after[~mask])
        for index in np.ndindex(mask.shape[:2]):
            inside = before[index][mask[index]].sort().values
            assert torch.equal(inside, after[index][mask[index]].sort().values)
        assert (before != after).any()
        assert (second != after).any()
    assert all(torch.equal(a, b) for a, b in zip(changed.kernels, sub.redrawn(0).kernels))
    mixed = shuffled(sub.network)
    assert torch.equal(
        mixed.kernels[0][0, 0].flatten().sort().values, sub.network.kernels[0][0, 0].flatten().sort().values
    )
    assert torch.equal(mixed.biases[0], sub.network.biases[0])


@pytest.mark.parametrize("bins", [1, 10])
def test_unrelated_subnetworks_have_the_same_number_of_weights_of_each_size(bins, found):
    sub = found["dense"]
    other = sub.unrelated(bins)
    for mask, drawn, again, kernel in zip(
        sub.masks, other.masks, sub.unrelated(bins).masks, sub.network.kernels
    ):
        assert torch.equal(drawn, again)
        assert (drawn != mask).any()
        for entry in np.ndindex(mask.shape[:2]):
            order = kernel[entry].abs().flatten().argsort(stable=True)
            for part in order.tensor_split(bins):
                assert mask[entry].flatten()[part].sum() == drawn[entry].flatten()[part].sum()
    masks = [(sub.layers(0, 0, run), other.layers(0, 0, run)) for run in (0, 1)]
    assert all(abs(overlap(*pair).excess) < 0.05 for pair in masks) == (bins == 1)


def test_untrained_networks_have_no_subnetwork_for_the_numbers(sets):
    network = Network(SMALL, IMAGE, 2, 5.0, [0])
    sub = find(network, sets[0], QUICK, penalties=[1e-4])
    assert sub.errors(sub.alone(), sets[0])[0, 1, 0, 1] > 0.95
    assert sub.kept()[0, 1, 0] < 0.1


def embedded(sub):
    return embed(prune(sub), IMAGE, spare=4, seed=1)


def test_a_pruned_network_has_the_weights_of_either_subnetwork(trained, found):
    small = prune(found["split"])
    for run in (0, 1):
        either = [a | b for a, b in zip(found["split"].layers(0, 0, run), found["split"].layers(0, 1, run))]
        for kernel, whole, mask in zip(small.kernels, trained["split"].kernels, either):
            kept = whole[:, run] * torch.from_numpy(mask).view(whole[:, run].shape)
            assert torch.equal(kernel[:, run], kept)


@pytest.mark.parametrize("architecture", ["dense", "split"])
def test_an_embedded_network_computes_the_same_with_other_weights(architecture, found, sets):
    small = prune(found[architecture])
    large, truth = embedded(found[architecture])
    images = torch.from_numpy(sets[1].images)
    torch.testing.assert_close(large.predict(images), small.predict(images), rtol=0, atol=1e-5)
    for layer, kernel in enumerate(large.kernels):
        either = truth[0][layer] | truth[1][layer]
        idle = kernel[~either & (kernel != 0)]
        assert len(idle) > either.sum() / 3
        assert 0.8 < idle.std() / kernel[either].std() < 1.25
        assert (truth[0][layer] & truth[1][layer]).any() == (architecture == "dense")
    stronger = [
        kernel + ~(truth[0][i] | truth[1][i]) * (kernel != 0) for i, kernel in enumerate(large.kernels)
    ]
    idle_changed = large.with_kernels(stronger).predict(images)
    torch.testing.assert_close(idle_changed, large.predict(images), rtol=0, atol=1e-4)


def test_known_subroutines_are_found_disjoint_or_shared(found, sets):
    jaccard = {}
    for architecture in found:
        large, truth = embedded(found[architecture])
        sub = find(large, sets[0], QUICK, penalties=[1e-5])
        precision, recall = recovered(sub, truth)
        assert (precision > 0.98).all()
        assert recall.mean() > 0.8
        jaccard[architecture] = [overlap(sub.layers(0, 0, run), sub.layers(0, 1, run)) for run in (0, 1)]
    assert all(pair.jaccard == 0 for pair in jaccard["split"])
    assert all(pair.excess > 0.2 and pair.log10_p < -20 for pair in jaccard["dense"])


def test_with_a_wrong_truth_or_a_broken_embedding_they_are_not(found, sets):
    large, truth = embedded(found["split"])
    sub = find(large, sets[0], QUICK, penalties=[1e-5])
    precision, recall = recovered(sub, truth[::-1])
    assert precision.max() == recall.max() == 0
    rolled = [[layer.roll(1, dims=-1) for layer in block] for block in truth]
    assert recovered(sub, rolled)[0].max() < 0.9
    readout = large.readouts[0]
    readout[..., :20] = readout[..., :20].roll(1, dims=1)  # every output reads the neighbour of its channel
    sub = find(large, sets[0], QUICK, penalties=[1e-5])
    assert recovered(sub, truth)[0][0, 0].max() < 0.9


def test_precision_without_a_mask_is_undefined(found, sets):
    large, truth = embedded(found["split"])
    precision, recall = recovered(find(large, sets[0], QUICK, penalties=[1e3]), truth)
    assert np.isnan(precision).all()
    assert (recall == 0).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subroutines": ["addition"]}, "subroutine = 'addition' is unknown; choose one of compositional"),
        ({"penalties": [1e-5, 0]}, "penalty = 0 is not finite and positive"),
        ({"batch": 0}, "batch = 0 is not an integer"),
        ({"batch": 301}, "300 composites are less than a batch of 301"),
    ],
)
def test_refusals(changes, message, trained, sets):
    with pytest.raises(ValueError, match=message):
        find(trained["dense"], sets[0], QUICK, **changes)


def test_embedding_asks_for_both_kinds_of_spare_channels(trained):
    with pytest.raises(ValueError, match="spare = 1 is not an integer from 2 on"):
        embed(trained["split"], IMAGE, spare=1)


def test_controls_keep_as_many_weights_as_they_say(found, trained, sets):
    sub = found["split"]
    largest = sub.largest()
    for mask, other, kernel in zip(sub.masks, largest.masks, sub.network.kernels):
        for place in np.ndindex(*mask.shape[:2]):
            inside, outside = (kernel[place][chosen].abs() for chosen in (other[place], ~other[place]))
            assert len(inside) == mask[place].sum()
            assert not len(inside) or not len(outside) or inside.min() >= outside.max()
    without = sub.errors(sub.without_the_other(), sets[0])[0]
    whole = errors(trained["split"], sets[0])
    np.testing.assert_allclose(
        without[0, :, 0], whole[:, 0], atol=1e-6
    )  # the other module's weights alone go
    assert (without[0, :, 1] > 0.85).all()


def test_kernels_trained_on_for_one_subroutine_serve_it_better(trained, sets):
    network = trained["dense"]
    before = errors(network, sets[0])
    after = [errors(tuned(network, sets[0], name, 200), sets[0]) for name in SUBROUTINES]
    assert (after[0][:, 0] < before[:, 0] - 0.02).all()
    assert (after[0][:, 0] < after[1][:, 0] - 0.02).all()
    assert (after[1][:, 1] < before[:, 1] + 0.01).all()


TINY = Profile(
    {
        "dense": Study(
            Case(TASK, replace(SMALL, channels=2)), (0, 10, 20), (1e-5, 1e2), redrawn=2, generalised=True
        ),
        "shuffled": Study(
            Case(TASK, replace(SMALL, channels=2)), (20,), (1e-5,), shuffled=True, compared=True
        ),
        "split": Study(Case(TASK, replace(SMALL, architecture="split", channels=1)), (20,)),
    },
    steps=20,
    seeds=2,
    draws=(0, 3),
)


def test_the_command_records_what_was_measured_and_goes_on_from_what_is_done(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(PROFILES, "tiny", TINY)
    kept, out = tmp_path / "kept", tmp_path / "record.json"
    arguments = ["tiny", "--quiet", "--checkpoints", str(kept), "--first-seed", "7"]
    assert main([*arguments, "--out", str(out)]) == 0
    assert "dense, epoch 20: test errors" in capsys.readouterr().out
    content, measured = read("tiny", out)
    assert platform.node() not in out.read_text(encoding="utf-8")
    assert content["seeds"] == [7, 8]
    assert {"commit", "date", "device", "threads", "versions", "sparsification"} <= set(content)
    fresh = experiments.run(TINY, seeds=[7, 8])
    for label, epochs in fresh.items():
        assert list(epochs) == list(measured[label]) == list(TINY.studies[label].epochs)
        for epoch, one in epochs.items():
            for name, value in vars(one).items():
                if value is None:
                    assert getattr(measured[label][epoch], name) is None
                else:
                    np.testing.assert_allclose(getattr(measured[label][epoch], name), value, rtol=1e-5)
    one = measured["dense"][20]
    assert one.redrawn_test.shape == one.half_alone_rest.shape == (2, 2, 4, 2)
    assert one.tuned_test.shape == (2, 4, 2)
    assert list(one.draws) == [0, 0, 3, 3]
    assert np.isnan(one.jaccard[1]).all()  # nothing is kept at λ = 100
    assert (one.kept[1] == 0).all()
    assert measured["split"][20].kept is None
    for place, draw in ((slice(0, 2), 0), (slice(2, 4), 3)):
        sets = replace(TASK, draw=draw).composites()
        whole = train(replace(SMALL, channels=2, epochs=20), *sets, [7, 8], measure=20)
        np.testing.assert_allclose(one.test[place], whole.test[:, -1, :2], rtol=1e-5)  # stops change nothing
    assert (measured["shuffled"][20].test > one.test).any()

    def refuse(*arguments, **options):
        raise AssertionError("measured again")

    monkeypatch.setattr(experiments, "measure", refuse)
    assert main([*arguments, "--out", str(tmp_path / "again.json")]) == 0
    again = json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))
    assert again["cases"] == content["cases"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["huge"], "profile = 'huge' is unknown; choose one of subnetworks-controls"),
        (["subnetworks-controls", "--runs", "0"], "seeds is empty"),
    ],
)
def test_refusals_of_the_command(arguments, message, capsys, tmp_path):
    assert main([*arguments, "--quiet", "--out", str(tmp_path / "record.json")]) == 1
    assert re.search(message, capsys.readouterr().err)
    assert not (tmp_path / "record.json").exists()


def test_read_says_how_to_make_a_missing_record(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"make it with `python -m lib\.subnetworks\.experiments tiny`"
    ):
        read("tiny", tmp_path / "x.json")


@pytest.mark.parametrize("path", sorted(RESULTS.glob("subnetworks_*.json")), ids=lambda path: path.stem)
def test_a_record_belongs_to_its_profile(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    profile, (_, measured) = PROFILES[content["profile"]], read(content["profile"])
    assert path == default_path(content["profile"])
    assert list(measured) == list(profile.studies)
    assert len(content["seeds"]) == profile.seeds
    runs = profile.seeds * len(profile.draws)
    assert min(content["seeds"]) >= FIRST_SEED
    for label, study in profile.studies.items():
        entry = content["cases"][label]
        assert Task(**entry["task"]) == study.case.task
        assert Settings(**entry["settings"]) == study.case.settings
        assert tuple(entry["penalties"]) == study.penalties
        assert tuple(measured[label]) == study.epochs
        for one in measured[label].values():
            assert one.test.shape == (runs, 2)
            if study.penalties:
                assert one.jaccard.shape == (len(study.penalties), runs)
                extreme = (one.kept == 0) | (one.kept == 1)
                np.testing.assert_array_equal(np.isnan(one.jaccard), extreme.any(axis=1))
