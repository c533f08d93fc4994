"""The machinery that turns the chapters into a checked book; the theory is in lib itself.

`execute` runs chapters, `figures` and `report` judge what came out, `site` makes the pages,
`build` does all of it in order, `own` runs one chapter with a reader's parameters.
"""

from collections.abc import Callable

Say = Callable[[str], object]  # where lines of progress go


class BookError(Exception):
    """What stops a build, in words for the person who started it."""
