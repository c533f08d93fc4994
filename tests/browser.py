"""A real browser for the tests: where Chromium is, the built book behind a local server, what a page did."""

import functools
import os
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lib.book import BookError
from lib.book.browser import find
from lib.book.browser import launched as launch
from lib.book.site import SOURCES

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
STILL = "*, ::before, ::after { transition: none !important; scroll-behavior: auto !important }"


def unavailable(reason: str):
    """Skip, saying why; where REQUIRE_BROWSER=1 says that there must be a browser, fail."""
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(f"REQUIRE_BROWSER=1, but {reason}", pytrace=False)
    pytest.skip(reason)


def built_book() -> Path:
    """The folder of the pages, if they were made from the files as they are now."""
    index = HTML / "index.html"
    if not index.is_file():
        unavailable("there is no built book: make book")
    patterns = [f"{name}/**/*" if (ROOT / name).is_dir() else name for name in SOURCES]
    patterns += ["chapters/*.ipynb", "tests/expected/*.yml", "lib/**/*.py", "lib/**/*.js", "lib/**/*.css"]
    files = [path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()]
    newest = max(files, key=lambda path: path.stat().st_mtime)
    if newest.stat().st_mtime > index.stat().st_mtime:
        unavailable(f"the built book is older than {newest.relative_to(ROOT)}: make book")
    return HTML


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextmanager
def served(folder: Path):
    """Serve a folder to this machine alone; yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def launched():
    """A headless Chromium."""
    try:
        find()
    except BookError as missing:
        unavailable(str(missing))
    with launch() as browser:
        yield browser


@dataclass
class Tab:
    """A page of the browser and what went wrong on it; requests to other hosts are refused and noted."""

    page: object
    faults: list[str] = field(default_factory=list)

    def go(self, address: str):
        """Open an address and wait until the mathematics is typeset; returns the page."""
        self.page.goto(address, wait_until="load")
        self.page.evaluate("window.MathJax?.startup?.promise")
        self.page.add_style_tag(content=STILL)
        return self.page


@contextmanager
def tab(browser, width: int = 1440, **options):
    """A tab in a fresh profile, that reaches this machine only."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **options)
    found = Tab(context.new_page())

    def console(message):
        if message.type == "error":
            found.faults.append(f"console: {message.text}")

    def answered(response):
        if response.status >= 400:
            found.faults.append(f"{response.status}: {response.url}")

    def route(route):
        if urlsplit(route.request.url).hostname in ("127.0.0.1", None):
            route.continue_()
        else:
            found.faults.append(f"another host: {route.request.url}")
            route.abort()

    context.route(re.compile("^(?!data:|blob:)"), route)
    found.page.on("console", console)
    found.page.on("pageerror", lambda error: found.faults.append(f"error: {error}"))

    def failed(request):
        if (
            request.failure != "net::ERR_ABORTED"
        ):  # left behind when the page is left, as a picture not yet shown
            found.faults.append(f"failed: {request.url}")

    found.page.on("requestfailed", failed)
    found.page.on("response", answered)
    try:
        yield found
    finally:
        context.close()
