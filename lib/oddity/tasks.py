"""The five tasks: which rules, and the stimuli for training and test.

In every item of a task three stimuli obey both rules, or one rule, see items.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from lib.oddity import scenes, sentences
from lib.oddity.items import Pool, Rule
from lib.validation import check_choice

YES = ((0, 1), (1,))
INSIDE, CONTACT = Rule("inside", *YES), Rule("contact", *YES)
VISION = {  # rules, function that makes images with these properties, images of a sort in training
    "inside-contact": ((INSIDE, CONTACT), scenes.inside_contact, 5000),
    "inside-number": ((INSIDE, Rule("number", (1, 2, 3, 4), (2, 3))), scenes.inside_number, 2500),
    "number-contact": ((Rule("number", (2, 3, 4), (2, 3)), CONTACT), scenes.number_contact, 3000),
}
LANGUAGE = {
    "agreement": (Rule("subject singular", *YES), Rule("verb singular", *YES)),
    "reflexive": (Rule("antecedent singular", *YES), Rule("pronoun singular", *YES)),
}
TASKS = (*VISION, *LANGUAGE)
SENTENCES = 4000  # drawn of a sort in training
SAMPLE = 0.01  # of the pools, for a fingerprint
TEST = 500  # stimuli of a sort in the test


@lru_cache(maxsize=2)  # an image pool takes some seconds and 100 MB
def pools(task: str, share: float = 1.0) -> tuple[Pool, Pool]:
    """Stimuli for training and test, always the same.

    share: of the stimuli, for a trial; 1 draws as many as the experiments use.
    Raises ValueError for an unknown task, and for a share that is not in (0, 1].
    """
    check_choice("task", task, TASKS)
    if not 0 < share <= 1:
        raise ValueError(f"share = {share!r} is not above 0 and at most 1")
    seeds = np.random.SeedSequence(TASKS.index(task)).spawn(2)
    make = _images if task in VISION else _sentences
    first, second = (np.random.default_rng(seed) for seed in seeds)
    return make(task, False, share, first), make(task, True, share, second)


def fingerprint(task: str) -> str:
    """Of a sample of a task's stimuli and their properties: what was measured with others is not its own."""
    parts = [part for pool in pools(task, SAMPLE) for part in (pool.stimuli, pool.properties)]
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:8]


def _images(task: str, test: bool, share: float, rng: np.random.Generator) -> Pool:
    rules, make, training = VISION[task]
    n = max(1, round(share * (TEST if test else training)))
    return _pool(rules, True, lambda sort: make(n, *sort, rng)[:, None])


def _sentences(task: str, test: bool, share: float, rng: np.random.Generator) -> Pool:
    n = max(1, round(share * (TEST if test else SENTENCES)))

    def some(sort: tuple[int, int]) -> np.ndarray:
        made = [sentences.sentence(task, sort, test, rng) for _ in range(n)]
        return sentences.encode(task, made)

    return _pool(LANGUAGE[task], False, some)


def _pool(rules: tuple[Rule, Rule], odd_both: bool, some: Callable[[tuple[int, int]], np.ndarray]) -> Pool:
    sorts = [(a, b) for a in rules[0].values for b in rules[1].values]
    parts = [some(sort) for sort in sorts]
    properties = np.repeat(sorts, [len(part) for part in parts], axis=0)
    return Pool(np.concatenate(parts), properties, rules, odd_both)
