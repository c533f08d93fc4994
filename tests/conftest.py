"""One thread a process, and the browser and the built book for the tests that look at pages."""

import os

import pytest

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # tests run two at a time: more threads would wait for each other


@pytest.fixture(scope="session")
def book():
    """The address of the built book."""
    from tests.browser import built_book, served

    with served(built_book()) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium."""
    from tests.browser import launched

    with launched() as found:
        yield found
