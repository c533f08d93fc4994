"""The Chromium that prints the book and that its tests look through: where it is, and how it is started."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from lib.book import BookError

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (  # no sandbox: containers run as root; the rest keeps the browser from calling its makers
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> str:
    """The path of the browser: the variable CHROMIUM, or one that is installed; BookError where there is none."""
    for name in filter(None, (os.environ.get("CHROMIUM"), *PROGRAMS)):
        if found := shutil.which(name):
            return found
    raise BookError("there is no Chromium here: install it, or name it in the variable CHROMIUM")


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless Chromium, closed afterwards."""
    program = find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
