"""One thread a process, and the browser and the built book for the tests that look at pages."""

import os
import sys

import pytest
from hypothesis import settings

# The same examples on every machine: a run that fails can be run again. New ones: --hypothesis-profile=drawn.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("drawn", deadline=None)
settings.load_profile("same")

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # tests run two at a time: more threads would wait for each other


@pytest.fixture(autouse=True)
def _apart():
    """A test leaves no open figure and no thread count of its own to the next: they run in any order."""
    before = sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
    if before is not None and sys.modules["torch"].get_num_threads() != before:
        sys.modules["torch"].set_num_threads(before)


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
