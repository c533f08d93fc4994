"""The public address of the repository: it stands in ``_config.yml``, and where others copy from it."""

import re
import subprocess
from urllib.parse import urlsplit

from lib.book import BookError, Say
from lib.book.project import Project
from lib.book.sharing import pages_address


def move(project: Project, url: str, say: Say = print) -> None:
    """Replace the old address by a new one in every file that names it; BookError where the new one is none."""
    if not url:
        raise BookError("say where the book will be: make address URL=https://github.com/you/book")
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", url.removesuffix("/")):
        raise BookError(f"{url!r} is not of the form https://github.com/you/book")
    url = url.removesuffix("/")
    old = project.config()["repository"]["url"]
    changes = {old: url, pages_address(old): pages_address(url), f"gh{_path(old)}": f"gh{_path(url)}"}
    done = subprocess.run(["git", "ls-files"], cwd=project.root, capture_output=True, text=True, check=True)
    for name in done.stdout.split():
        path = project.root / name
        if path.suffix not in {".md", ".yml", ".cff", ".ipynb"}:
            continue
        text = path.read_text(encoding="utf-8")
        new = text
        for before, after in changes.items():
            new = new.replace(before, after)
        new = re.sub(
            r"<!-- badges:[^\n]*\n(.*?)-->\n", r"\1", new, flags=re.DOTALL
        )  # now they lead somewhere
        if new != text:
            path.write_text(new, encoding="utf-8")
            say(f"  {name}")
    say(f"The repository is at {url}, its pages will be at {pages_address(url)}")


def _path(url: str) -> str:
    """``/you/book``, as it stands in addresses of Binder and Colab."""
    return urlsplit(url).path
