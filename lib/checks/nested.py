"""Nested lists of numbers, leaf by leaf."""

from collections.abc import Callable


def leaves(value: object) -> list:
    """The leaves of nested lists, in order."""
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


def shape_of(value: object) -> tuple | None:
    """Nested lists as nested tuples without their leaves: equal only for equal shapes."""
    return tuple(shape_of(item) for item in value) if isinstance(value, list) else None


def map_leaves(function: Callable, value: object) -> object:
    return [map_leaves(function, item) for item in value] if isinstance(value, list) else function(value)
