"""Shared code of the book: the datasets, their theory, their simulation, and the checking of numbers."""

BOOK = "specialization-of-neural-modules"  # by which a chapter's first cell knows this package from another `lib`
