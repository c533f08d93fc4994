"""English sentences from templates: a subject that agrees with its verb or not, a pronoun with its antecedent or not.

Between the two stand attractors, words of either number. Verbs that agree and verbs inside of clauses come from
lists of their own, and so do subjects and attractors' verbs: only one word shows the number that a rule asks for.
A subject (or antecedent) and a main verb that meet in a test sentence never meet in a training sentence.
"""

from itertools import product

import numpy as np

NOUNS = (
    *("author", "pilot", "surgeon", "farmer", "manager", "customer"),
    *("officer", "teacher", "senator", "guard", "skater", "chef"),
)
VERBS = ("smile", "laugh", "swim", "wait", "sing", "jump", "travel", "work", "sleep", "shout")
CLAUSE_VERBS = ("admire", "help", "visit", "know")  # in relative clauses
PAST_VERBS = (
    "hurt",
    "praised",
    "blamed",
    "defended",
    "introduced",
    "surprised",
    "hid",
    "saw",
    "warned",
    "taught",
)
PREPOSITIONS = ("near", "behind", "beside", "facing")
PRONOUNS = {1: ("himself", "herself"), 0: ("themselves",)}
START, PAD = "[start]", "[pad]"
TEST_SHARE = 5  # one of as many pairs of subject and verb is kept for the test
TASKS = ("agreement", "reflexive")


def noun(lemma: str, singular: int) -> str:
    return lemma if singular else lemma + "s"


def verb(lemma: str, singular: int) -> str:
    return lemma + "s" if singular else lemma


def before_the_verb(
    subject: str, attractor: str, helper: tuple[str, int], preposition: str
) -> list[list[str]]:
    """The words before the main verb, by template: plain, preposition after and before the subject, relative clauses.

    In the first relative clause the subject does what the verb says, in the second the attractor does; the verb
    has the number of the one that does it, so that a clause is always grammatical. helper: the lemma of this verb,
    and 1 where the attractor is singular, else 0.
    """
    lemma, attractor_singular = helper
    subject_singular = int(not subject.endswith("s"))
    return [
        ["the", subject],
        ["the", subject, preposition, "the", attractor],
        [preposition, "the", attractor, "the", subject],
        ["the", subject, "that", verb(lemma, subject_singular), "the", attractor],
        ["the", subject, "that", "the", attractor, verb(lemma, attractor_singular)],
    ]


def in_test(subject: int, main: int) -> bool:
    """Whether a pair of subject and main verb, given by their places in the lists, belongs to the test."""
    return (subject + 2 * main) % TEST_SHARE == 0


def sentence(task: str, singular: tuple[int, int], test: bool, rng: np.random.Generator) -> list[str]:
    """One sentence. singular: of the subject and of the verb, or of antecedent and pronoun; 1 or 0 each."""
    lemmas = VERBS if task == "agreement" else PAST_VERBS
    pairs = [p for p in product(range(len(NOUNS)), range(len(lemmas))) if in_test(*p) == test]
    who, what = pairs[rng.integers(len(pairs))]
    other, other_singular = rng.choice([n for n in range(len(NOUNS)) if n != who]), int(rng.integers(2))
    beginning = before_the_verb(
        noun(NOUNS[who], singular[0]),
        noun(NOUNS[other], other_singular),
        (str(rng.choice(CLAUSE_VERBS)), other_singular),
        str(rng.choice(PREPOSITIONS)),
    )[rng.integers(5)]
    if task == "agreement":
        return [*beginning, verb(lemmas[what], singular[1])]
    return [*beginning, lemmas[what], str(rng.choice(PRONOUNS[singular[1]]))]


def vocabulary(task: str) -> list[str]:
    """All words of a task; their places are the numbers that a network reads."""
    words = [START, PAD, "the", "that", *PREPOSITIONS]
    words += [noun(lemma, number) for lemma in NOUNS for number in (1, 0)]
    words += [verb(lemma, number) for lemma in CLAUSE_VERBS for number in (1, 0)]
    if task == "agreement":
        return words + [verb(lemma, number) for lemma in VERBS for number in (1, 0)]
    return [*words, *PAST_VERBS, *PRONOUNS[1], *PRONOUNS[0]]


def length(task: str) -> int:
    """Words of the longest sentence with the start."""
    return 8 if task == "agreement" else 9


def encode(task: str, sentences: list[list[str]]) -> np.ndarray:
    """Numbers of words (n, length), after the start and filled up at the end."""
    places = {word: place for place, word in enumerate(vocabulary(task))}
    filled = [[START, *words, *[PAD] * length(task)][: length(task)] for words in sentences]
    return np.array([[places[word] for word in words] for words in filled])
