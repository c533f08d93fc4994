"""Shared code of the book: the datasets, their theory, their simulation, and the checking of numbers."""
