"""The oddity tasks: what the images and sentences show, by second routes, and faults that the checks catch."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from scipy.spatial import ConvexHull

from lib.oddity import scenes, sentences, tasks
from lib.oddity.items import Pool, accuracy, oddity_loss, scores

SMALL = 0.02  # of the full pools


@pytest.fixture(scope="module")
def pools():
    return {task: tasks.pools(task, SMALL) for task in tasks.TASKS}


INK = 0.4  # a pixel with more belongs to an outline


def holes(image):
    """Closed regions of the ground, largest first: lists of pixels (n, 2). Single pixels lie between two outlines."""
    regions, count = ndimage.label(image < INK)
    border = {0, *regions[0], *regions[-1], *regions[:, 0], *regions[:, -1]}
    found = [np.argwhere(regions == number) for number in range(1, count + 1) if number not in border]
    return sorted([pixels for pixels in found if len(pixels) > 1], key=len, reverse=True)


def outlines(image):
    """How many there are of which none meets another."""
    return ndimage.label(image > INK, np.ones((3, 3)))[1]


def in_contact(image):
    return outlines(image) == 1


def rings_inside(image):
    blob, *rings = holes(image)
    sides = ConvexHull(blob).equations
    return [bool((sides[:, :2] @ ring.mean(0) + sides[:, 2] <= 0).all()) for ring in rings]


RNG = np.random.default_rng(0)


@pytest.mark.parametrize("inside", [0, 1])
@pytest.mark.parametrize("contact", [0, 1])
def test_pixels_of_inside_and_contact(inside, contact):
    images = scenes.inside_contact(60, inside, contact, np.random.default_rng(0))
    assert images.shape == (60, 32, 32)
    assert (
        np.mean([in_contact(image) == contact for image in images]) >= 0.95
    )  # a contact is exact to 0.3 pixels
    assert np.mean([rings_inside(image) == [bool(inside)] for image in images]) >= 0.95


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("inside", [0, 1])
def test_pixels_of_inside_and_number(number, inside):
    images = scenes.inside_number(300, inside, number, np.random.default_rng(0))
    found = [rings_inside(image) for image in images]
    right = [len(rings) == number and sum(rings) == number - (not inside) for rings in found]
    assert np.mean(right) >= 0.95
    assert np.mean([outlines(image) != number + 1 for image in images]) <= 0.05


def test_sizes_and_places_tell_neither_number_nor_inside(monkeypatch):
    """Analysis of variance over the sorts; it finds images drawn anew just where their own rings do not fit."""
    rng, sorts = np.random.default_rng(1), [(number, inside) for number in (1, 2, 3, 4) for inside in (0, 1)]
    drawn = []
    monkeypatch.setattr(scenes, "draw", lambda blobs, *rings: drawn.append((blobs, *rings)) or rings[0])
    blob_sizes, ring_sizes, ring_places = {}, {}, {}
    for sort in sorts:
        drawn.clear()
        scenes.inside_number(400, sort[1], sort[0], rng)
        blob_sizes[sort] = np.concatenate([blobs.radius for blobs, *_ in drawn])
        ring_sizes[sort] = np.concatenate([radii.mean(1) for *_, radii, _ in drawn])
        away = [np.linalg.norm(centres[:, -1] - blobs.centre, axis=1) for blobs, centres, *_ in drawn]
        ring_places[sort] = np.concatenate(away)
    del ring_places[1, 0]  # its one ring is outside
    for found in (blob_sizes, ring_sizes, ring_places):
        assert min(len(some) for some in found.values()) >= 400
        assert stats.f_oneway(*found.values()).pvalue > 1e-3


@pytest.mark.parametrize("number", [2, 3, 4])
@pytest.mark.parametrize("contact", [0, 1])
def test_pixels_of_number_and_contact(number, contact):
    images = scenes.number_contact(60, number, contact, np.random.default_rng(0))
    assert np.mean([len(holes(image)) == number for image in images]) >= 0.95
    assert np.mean([in_contact(image) == contact for image in images]) >= 0.95


def parsed(words):
    """Numbers of the subject and of the last word, read off the words: 1 for singular."""
    nouns = [n + s for n in sentences.NOUNS for s in ("", "s")]
    found = [word for word in words if word in nouns]
    subject = found[1] if words[0] in sentences.PREPOSITIONS else found[0]
    last = words[-1]
    if last in ("himself", "herself", "themselves"):
        return [int(not subject.endswith("s")), int(last != "themselves")]
    return [int(not subject.endswith("s")), int(last.endswith("s"))]


@pytest.mark.parametrize("task", sentences.TASKS)
def test_sentences_say_what_their_properties_say(task, pools):
    words = sentences.vocabulary(task)
    assert len(set(words)) == len(words)
    for pool in pools[task]:
        for numbers, properties in zip(pool.stimuli, pool.properties):
            text = [words[n] for n in numbers if words[n] not in (sentences.START, sentences.PAD)]
            assert parsed(text) == list(properties), " ".join(text)


def meetings(task, pool):
    """Pairs of subject and main verb, as lemmas."""
    words = sentences.vocabulary(task)
    lemmas = sentences.VERBS if task == "agreement" else sentences.PAST_VERBS
    found = set()
    for numbers in pool.stimuli:
        text = [words[n].removesuffix("s") for n in numbers]
        nouns = [word for word in text if word in sentences.NOUNS]
        verbs = [lemma for lemma in lemmas if lemma.removesuffix("s") in text]
        found.add((nouns[text[1] in sentences.PREPOSITIONS], verbs[0]))
    return found


@pytest.mark.parametrize("task", sentences.TASKS)
def test_a_subject_and_a_verb_of_the_test_never_meet_in_training(task):
    training, test = tasks.pools(task, 0.5)
    assert not meetings(task, training) & meetings(task, test)
    assert len(meetings(task, training)) == 96
    assert len(meetings(task, test)) == 24


def shared(first: Pool, second: Pool) -> int:
    return len({s.tobytes() for s in first.stimuli} & {s.tobytes() for s in second.stimuli})


@pytest.mark.parametrize("task", tasks.TASKS)
def test_training_and_test_share_no_stimulus_and_a_test_that_is_the_training_set_is_caught(task, pools):
    training, test = pools[task]
    assert shared(training, test) == 0
    assert shared(training, training) > 0


@pytest.mark.parametrize("task", tasks.TASKS)
def test_items_obey_their_rules(task, pools):
    """A second route: the property that three of the four share, against that of the odd one."""
    pool = pools[task][1]
    first, second = pool.rules
    broken = {"composite": [], "only first": [(1, 0)], "only second": [(0, 1)]}
    for kind in pool.kinds():
        index, odd = pool.draw(kind, 400, np.random.default_rng(1))
        for places, place in zip(pool.properties[index], odd):
            others = np.delete(places, place, 0)
            same = (others == others[0]).all(0)
            differs = tuple(int(v) for v in (places[place] != others[0]) & same)
            if kind in ("first", "second"):
                rule = ("first", "second").index(kind)
                assert same[rule]
                assert differs[rule]
                assert others[0][rule] in pool.rules[rule].references
            else:
                assert same.all()
                assert any(differs)
                assert differs in (broken[kind] or [(1, 0), (0, 1), (1, 1)])
            for rule, values in zip((first, second), places.T):
                assert set(values.tolist()) <= set(rule.values)
                assert np.ptp(values) <= (2 if kind in ("first", "second") else 1)


def broken_rules(pool, index, odd):
    """Which rule the odd one breaks, (items, 2): where its property is not that of any other."""
    properties = pool.properties[index]
    own = np.take_along_axis(properties, odd[:, None, None], 1)
    return (properties == own).sum(1) == 1


def test_swapped_labels_of_the_two_rules_are_caught(pools):
    pool = pools["inside-contact"][1]
    swapped = replace(pool, properties=pool.properties[:, ::-1])
    truth = [(len(rings_inside(i[0])) == 1 and rings_inside(i[0])[0], in_contact(i[0])) for i in pool.stimuli]
    assert np.mean(np.array(truth) == pool.properties) > 0.95
    assert np.mean(np.array(truth) == swapped.properties) < 0.6
    for one, rule in ((pool, 0), (swapped, 1)):
        index, odd = one.draw("only first", 200, np.random.default_rng(2))
        assert broken_rules(pool, index, odd)[:, rule].all()
        assert not broken_rules(pool, index, odd)[:, 1 - rule].any()


def uneven(odd) -> float:
    """p-value of the places of the odd one under a uniform choice."""
    return stats.chisquare(np.bincount(odd, minlength=4)).pvalue


@pytest.mark.parametrize("task", tasks.TASKS)
def test_the_odd_one_is_anywhere_and_always_at_place_0_is_caught(task, pools):
    for kind in pools[task][0].kinds():
        index, odd = pools[task][0].draw(kind, 2000, np.random.default_rng(3))
        assert uneven(odd) > 1e-4
        assert uneven(np.zeros_like(odd)) < 1e-4
        for place in range(4):
            assert index[odd == place].shape[0] > 0


def test_a_network_that_always_answers_place_0_is_at_chance(pools):
    _, odd = pools["inside-contact"][0].draw("composite", 4000, np.random.default_rng(4))
    embeddings = torch.tensor([[-1.0], [1.0], [1.0], [1.0]])
    found = accuracy(embeddings, np.tile(np.arange(4), (4000, 1)), odd)
    assert found == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / 4000))


def test_ties_count_as_fractions():
    items = np.array([[0, 1, 2, 3]] * 4)
    for embeddings in (torch.zeros(4, 3), torch.ones(4, 3)):
        assert accuracy(embeddings, items, np.arange(4)) == pytest.approx(0.25)
    pairs = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]])
    assert accuracy(pairs, items, np.arange(4)) == pytest.approx(0.25)
    assert accuracy(torch.tensor([[1.0], [1.0], [-1.0], [1.0]]), items[:1], np.array([2])) == 1


def test_scores_against_the_sum_over_pairs():
    embeddings = torch.randn(5, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for four, found in zip(embeddings, scores(embeddings)):
        pairs = [[float(torch.cosine_similarity(a, b, dim=0)) for b in four] for a in four]
        np.testing.assert_allclose(found, -np.sum(pairs, 1))


def test_the_least_loss():
    """ln(1 + 3e⁻⁴), found by descent too."""
    embeddings = torch.randn(1, 4, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    embeddings.requires_grad_()
    optimizer = torch.optim.Adam([embeddings], lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        loss = oddity_loss(embeddings, torch.tensor([1]))
        loss.backward()
        optimizer.step()
    loss = loss.detach()
    assert float(loss) == pytest.approx(math.log1p(3 * math.exp(-4)), rel=1e-3)
    assert float(loss) >= math.log1p(3 * math.exp(-4)) - 1e-12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tasks.pools("colour"), "task = 'colour' is unknown; choose one of inside-contact"),
        (lambda: tasks.pools("agreement", 0), "share = 0 is not above 0 and at most 1"),
        (
            lambda: tasks.pools("agreement", SMALL)[0].draw("third", 3, RNG),
            "kind of items = 'third' is unknown; choose one of composite, first",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_pool_without_a_needed_sort_says_which(pools):
    pool = pools["agreement"][0]
    some = (pool.properties == (1, 1)).all(1)
    lame = Pool(pool.stimuli[some], pool.properties[some], pool.rules, False)
    with pytest.raises(ValueError, match=r"no stimulus with \{'subject singular'"):
        lame.draw("composite", 5, RNG)
