"""Nested lists of numbers, leaf by leaf."""


def leaves(value) -> list:
    """The leaves of nested lists, in order."""
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


def shape_of(value):
    """Nested lists as nested tuples without their leaves: equal only for equal shapes."""
    return tuple(shape_of(item) for item in value) if isinstance(value, list) else None


def map_leaves(function, value):
    return [map_leaves(function, item) for item in value] if isinstance(value, list) else function(value)
