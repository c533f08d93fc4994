"""What is measured of one network: the whole, its subnetworks for both rules, and the controls beside them."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lib.oddity import masks, planted, sentences, tasks
from lib.oddity.items import Pool
from lib.oddity.masks import Tests
from lib.oddity.networks import PARTS, Training, build, embed, train
from lib.subnetworks.overlap import overlap
from lib.subnetworks.sparsification import Sparsification

TESTS = ("composite", "first", "second", "only first", "only second")  # the order of all accuracies
ITEMS = 1000  # of every test
DRAWS = 3  # of random masks
LEARNING_RATE = 0.05  # of the search, where its scores start at 0.05 too


@dataclass(frozen=True)
class Search:
    """A search for subnetworks in a part of a network: one at every price of a weight, of so many steps.

    part: a name that networks.PARTS has for the network.
    """

    part: str
    prices: tuple[float, ...]
    steps: int


@dataclass(frozen=True)
class Case:
    """A task and a network, by their names, with the network's training and the searches in it.

    planted: "head" or "split" to search in a planted network, else in the trained and the untrained one.
    """

    task: str
    network: str
    training: Training
    searches: tuple[Search, ...]
    planted: str = ""


def test_items(pool: Pool) -> Tests:
    """The items of every test, always the same for one pool."""
    rng = np.random.default_rng(9)
    return {name: pool.draw(name, ITEMS, rng) for name in TESTS}


def untrained(case: Case, seed: int) -> nn.Sequential:
    """The network as it is before its training."""
    if case.network != "transformer":
        return build(case.network, seed)
    return build(case.network, seed, len(sentences.vocabulary(case.task)), sentences.length(case.task))


def trained(
    case: Case, seed: int, pool: Pool, checkpoint: Path | None = None, progress: bool = False
) -> nn.Sequential:
    """The network after its training, from the checkpoint, a path, if that is there; else it is written."""
    network = untrained(case, seed)
    if checkpoint is not None and checkpoint.is_file():
        network.load_state_dict(torch.load(checkpoint, weights_only=True))
        return network
    train(network, pool, case.training, seed, progress=progress)
    if checkpoint is not None:
        part = checkpoint.with_suffix(".part")
        torch.save(network.state_dict(), part)
        part.replace(checkpoint)
    return network


def measure(case: Case, seed: int, checkpoint: Path | None = None, progress: bool = False) -> dict:
    """Everything about one seed, as nested lists and dicts of plain numbers.

    Accuracies stand in the order of TESTS, what is about masks in that of the two rules.
    """
    pools = tasks.pools(case.task)
    tests = test_items(pools[1])
    if case.planted:
        return {"planted": _planted(case, seed, pools, tests, checkpoint, progress)}
    networks = {
        "trained": trained(case, seed, pools[0], checkpoint, progress),
        "untrained": untrained(case, seed),
    }
    return {
        name: {"whole": whole(network, pools[1], tests)}
        | {
            search.part: _path(
                masks.cut(network, PARTS[case.network][search.part]), search, pools, tests, seed
            )
            for search in case.searches
        }
        for name, network in networks.items()
    }


def _planted(
    case: Case, seed: int, pools: tuple[Pool, Pool], tests: Tests, checkpoint: Path | None, progress: bool
) -> dict:
    if case.planted == "head":
        network = trained(case, seed, pools[0], checkpoint, progress)
        features = masks.cut(network, ("hidden",)).features(pools[0].stimuli)
        network, find_truth = planted.plant_head(network, pools[0], features, seed), planted.head_truth
    else:
        network = planted.plant_split(untrained(case, seed), pools[0], case.training, seed)
        find_truth = planted.split_truth
    found: dict[str, list | dict] = {"whole": whole(network, pools[1], tests)}
    for search in case.searches:
        part = masks.cut(network, PARTS[case.network][search.part])
        truth = find_truth(part)
        features = part.features(pools[1].stimuli)
        without = [part.embed(features, masks.inverted(mask)) for mask in truth]
        found[search.part] = _path(part, search, pools, tests, seed, truth) | {
            "true_ablated": [_listed(masks.accuracies(embedded, tests)) for embedded in without]
        }
    return found


def whole(network: nn.Sequential, pool: Pool, tests: Tests) -> list[float]:
    """Accuracies of a whole network."""
    return _listed(masks.accuracies(embed(network, pool.stimuli), tests))


def _path(
    part: masks.Part,
    search: Search,
    pools: tuple[Pool, Pool],
    tests: Tests,
    seed: int,
    truth: list[masks.Mask] | None = None,
) -> dict[str, list]:
    """Subnetworks of a part: every field of `subnetworks` as a list, an entry a price."""
    training, test = (part.features(pool.stimuli) for pool in pools)
    entries = []
    for price in search.prices:
        settings = Sparsification(penalty=price, learning_rate=LEARNING_RATE, steps=search.steps)
        found = masks.find(part, pools[0], training, settings, seed)
        entries.append(subnetworks(part, found, test, tests, seed, truth))
    return {key: [entry[key] for entry in entries] for key in entries[0]}


def subnetworks(
    part: masks.Part,
    found: list[masks.Mask],
    features: torch.Tensor,
    tests: Tests,
    seed: int,
    truth: list[masks.Mask] | None = None,
) -> dict:
    """What the masks of both rules do. features: of the test's stimuli.

    truth: masks of the weights that serve either rule, where that is known; else the masks are held against random
    ones that keep as many weights of every layer.
    """

    def accuracies(mask: masks.Mask) -> list[float]:
        return _listed(masks.accuracies(part.embed(features, mask), tests))

    entry = {
        "kept": [masks.kept(mask) for mask in found],
        "alone": [accuracies(mask) for mask in found],
        "ablated": [accuracies(masks.inverted(mask)) for mask in found],
    }
    entry["jaccard"], entry["expected"] = _overlap(found)
    if truth is not None:
        shares = [planted.share_found(mask, truth, rule) for rule, mask in enumerate(found)]
        return entry | {"share": shares}
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3,)))
    drawn = [[masks.random_mask(mask, rng) for mask in found] for _ in range(DRAWS)]
    for name, change in (("random_alone", list), ("random_ablated", masks.inverted)):
        values = [[accuracies(change(mask)) for mask in draw] for draw in drawn]
        entry[name] = np.mean(values, axis=0).tolist()
    return entry


def _overlap(found: list[masks.Mask]) -> tuple[float, float]:
    """The Jaccard index of the two masks and that of unrelated masks, nan where one is empty or full."""
    if not all(0 < masks.kept(mask) < 1 for mask in found):
        return math.nan, math.nan
    result = overlap(*([layer.numpy() for layer in mask] for mask in found))
    return result.jaccard, result.expected


def _listed(accuracies: dict[str, float]) -> list[float]:
    return [accuracies[name] for name in TESTS]
