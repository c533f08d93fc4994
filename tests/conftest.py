"""The browser and the built book, for the tests that look at pages."""

import pytest


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
