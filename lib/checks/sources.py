"""Where an expected number comes from: its kind, and what the word "checked" is worth by it.

An entry says its ``kind``, or its source begins with one of the kind's openings.
"""

import re

KINDS = {
    "closed form": "a formula, a theorem or a count by hand, derived apart from the code that it checks",
    "second route": "the same number by other means: a library's solver, dense matrices, enumeration",
    "symbolic proof": "an identity that tests/test_symbolic.py proves",
    "published code": "the authors' published script, run by us",
    "own record": "a run of ours, recorded; against its value when it was made or, where that is said, other runs",
    "limit": "a bound on what was measured, set before or after its record was seen",
    "definition": "a parameter, or what a name means: it holds the text to what was run, no more",
}
SET = ("before", "after")

_OPENINGS = {
    "closed form": (
        *("theorem", "proposition", "corollary", "lemma", "by hand", "counted by hand"),
        *("combinatorics", "arithmetic"),
    ),
    "second route": ("enumeration",),
    "published code": ("authors' published script", "re-run of the authors' script"),
    "own record": ("record", "trial", "earlier trial", "measured with other"),
    "definition": ("parameter",),
}
_FORBIDDEN = ("chapter's claim", "claim of the chapter", "the finding")


def kind_of(entry: dict) -> str | None:
    """The kind of an entry's source, as it says or as its source begins; None where neither does."""
    if "kind" in entry:
        return entry["kind"]
    source = re.sub(r"^(the|an?) ", "", entry["source"].lower())
    for kind in KINDS:
        if source.startswith((kind, *_OPENINGS.get(kind, ()))):
            return kind
    return None


def problem(entry: dict, one_sided: bool) -> str | None:
    """What is wrong with where an expected number comes from, in words, or None."""
    for phrase in _FORBIDDEN:
        if phrase in entry["source"].lower():
            return f"the source says {phrase!r}: no claim is the source of what it is tested by"
    kind = kind_of(entry)
    if kind is None:
        return f"say the kind of its source, one of {', '.join(KINDS)}, or begin the source with it"
    if kind not in KINDS:
        return f"kind {kind!r} is not one of {', '.join(KINDS)}"
    if (kind == "limit") != ("set" in entry):
        return "a limit, and nothing else, says by 'set' when it was set: before or after the record was seen"
    if kind == "limit" and entry["set"] not in SET:
        return f"set is {entry['set']!r}; it is before or after, as the record was seen"
    if one_sided and kind not in ("limit", "closed form", "published code"):
        return f"a one-sided comparison is a limit, or a bound that is proved, and no {kind}"
    return None
