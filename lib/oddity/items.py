"""Fours of stimuli, one of them the odd one: how they are drawn, the loss and the accuracy of embeddings.

A rule is about one property of a stimulus, an integer; a stimulus obeys it where the property has the item's
reference value. Three stimuli obey what the item demands, the odd one does not.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import normalize

from lib.validation import check_choice

ODDITY = 4  # stimuli an item
TIED = 1e-5  # scores that differ by less are equal but for rounding
BOTH, ONLY = ((1, 1),), (((0, 1),), ((1, 0),))  # truth of the two rules: obeyed both, broken only one of them


@dataclass(frozen=True)
class Rule:
    """A rule on one property of a stimulus: that it has the value that the item asks for, its reference.

    values: of the property. references: values that an item may ask for; where the rule is broken, the property
    has a value next to it.
    """

    name: str
    values: tuple[int, ...]
    references: tuple[int, ...]

    def broken(self, reference: int) -> list[int]:
        """The values of the property that break the rule."""
        return [value for value in self.values if abs(value - reference) == 1]


@dataclass(frozen=True)
class Pool:
    """Stimuli with the properties of both rules."""

    stimuli: np.ndarray  # (n, ...)
    properties: np.ndarray  # (n, 2): integers
    rules: tuple[Rule, Rule]
    odd_both: bool  # whether the odd one of a composite item may break both rules, as in vision

    def __post_init__(self) -> None:
        if len(self.stimuli) != len(self.properties):
            raise ValueError(
                f"{len(self.stimuli)} stimuli and {len(self.properties)} properties; give one each"
            )

    def __len__(self) -> int:
        return len(self.stimuli)

    def kinds(self) -> dict[str, tuple[tuple, tuple]]:
        """Kinds of items: the truth of both rules in the three, and in the odd one, one drawn from each tuple.

        composite: the three obey both. first, second: the three obey that rule, the odd one breaks it, whatever
        the other; in language the odd one of a rule obeys the other. only first, only second: composite items
        whose odd one breaks that rule and no other.
        """
        kinds: dict[str, tuple[tuple, tuple]] = {
            "composite": (BOTH, ONLY[0] + ONLY[1] + (((0, 0),) if self.odd_both else ()))
        }
        for rule, name in enumerate(("first", "second")):
            flip = (lambda a, b: (a, b)) if rule == 0 else (lambda a, b: (b, a))
            odd = (flip(0, 0), flip(0, 1)) if self.odd_both else (flip(0, 1),)
            kinds[name] = ((flip(1, 0), flip(1, 1)), odd)
            kinds[f"only {name}"] = (BOTH, ONLY[rule])
        return kinds

    def draw(self, kind: str, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n items: indices of stimuli (n, 4), and the place of the odd one (n,), which is uniform.

        Raises ValueError for an unknown kind, and where the pool has no stimulus of a sort that is needed.
        """
        kinds = self.kinds()
        check_choice("kind of items", kind, tuple(kinds))
        three, odd = (np.array(choices) for choices in kinds[kind])
        truth = np.concatenate(
            [three[rng.integers(len(three), size=(n, 3))], odd[rng.integers(len(odd), size=(n, 1))]], axis=1
        )
        wanted = np.empty_like(truth)
        for place, rule in enumerate(self.rules):
            references = rng.choice(rule.references, size=n)
            for reference in rule.references:
                rows = references == reference
                broken = rng.choice(rule.broken(reference), size=(rows.sum(), ODDITY))
                wanted[rows, :, place] = np.where(truth[rows, :, place], reference, broken)
        index = self._some(wanted, rng)
        order = rng.permuted(np.tile(np.arange(ODDITY), (n, 1)), axis=1)
        return np.take_along_axis(index, order, 1), (order == ODDITY - 1).argmax(1)

    def _some(self, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """An index of a stimulus with the wanted properties (..., 2), drawn uniformly."""
        base = max(max(rule.values) for rule in self.rules) + 1
        codes = self.properties @ [base, 1]
        order = np.argsort(codes, kind="stable")
        asked = wanted @ [base, 1]
        first, last = (np.searchsorted(codes[order], asked, side) for side in ("left", "right"))
        if (first == last).any():
            missing = wanted[first == last][0].tolist()
            names = [rule.name for rule in self.rules]
            raise ValueError(f"the pool has no stimulus with {dict(zip(names, missing))}; add some")
        return order[first + (rng.random(first.shape) * (last - first)).astype(int)]


def scores(embeddings: torch.Tensor) -> torch.Tensor:
    """How odd each stimulus is: minus the sum of its cosines to all of its item. (..., 4, d) to (..., 4)."""
    unit = normalize(embeddings, dim=-1)
    return -(unit @ unit.sum(-2, keepdim=True).mT)[..., 0]


def oddity_loss(embeddings: torch.Tensor, odd: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of the scores. Its minimum is ln(1 + 3e⁻⁴): three equal vectors and their opposite."""
    return torch.nn.functional.cross_entropy(scores(embeddings), odd)


def accuracy(embeddings: torch.Tensor, index: np.ndarray, odd: np.ndarray) -> float:
    """Share of items whose odd one has the largest score; of k that tie each counts 1/k.

    embeddings: of all stimuli (n, d); index: of items (m, 4).
    """
    found = scores(embeddings[torch.from_numpy(index)])
    largest = found >= found.amax(-1, keepdim=True) - TIED
    hit = largest[torch.arange(len(odd)), torch.from_numpy(odd)]
    return float((hit / largest.sum(-1)).mean())
