"""What an earlier build made and this one takes over: only where every ingredient is byte for byte the same."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

from lib.book.execute import Executed
from lib.book.processes import remove
from lib.book.project import Project, topic
from lib.checks.ledger import MATCH

LIBRARY = Path(__file__).resolve().parents[2]  # where the lib and the results are that chapters use
VARIABLES = (
    "ATEN_",
    "BLIS_",
    "BOOK_DATA",
    "BOOK_THREADS",
    "MKL_",
    "NPY_",
    "OMP_",
    "OPENBLAS_",
    "PYTHON",
    "TORCH_",
    "VECLIB_",
)
NOT_READ = ("PYTHONUNBUFFERED", "PYTHONWARNINGS")  # of those, what no chapter's numbers depend on
LISTING = "kept.json"


def digest(*parts: bytes) -> str:
    """SHA-256 of byte strings, each apart from the next."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()


def tree(folder: Path) -> dict[str, str]:
    """The digest of every file under a folder, by its path in it; nothing where there is no folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): digest(path.read_bytes()) for path in files}


def processor() -> str:
    """What the system says of the processor: its name and the instructions that it knows."""
    told = [platform.system(), platform.machine(), platform.processor()]
    information = Path("/proc/cpuinfo")
    if information.is_file():
        names = ("model name", "flags", "Features", "CPU part")
        lines = information.read_text(encoding="utf-8").splitlines()
        told += sorted({line for line in lines if line.startswith(names)})
    elif platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        told.append(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    return "\n".join(told)


def versions() -> str:
    """Python and every installed package, with their versions."""
    installed = {f"{package.name}=={package.version}" for package in metadata.distributions()}
    return "\n".join([sys.version, *sorted(installed)])


def variables() -> str:
    """The environment's variables on which the chapters' numbers may depend."""
    read = sorted(os.environ.items())
    return "\n".join(f"{k}={v}" for k, v in read if k.startswith(VARIABLES) and k not in NOT_READ)


@dataclass(frozen=True)
class Ingredients:
    """All that the chapters of a book are made from, as it is when this is first asked for."""

    project: Project

    @cached_property
    def common(self) -> dict[str, str]:
        """Digests of what all chapters share."""
        records = {str(place): tree(place / "results") for place in {self.project.root, LIBRARY}}
        return {
            "lib": _digest_of(tree(LIBRARY / "lib")),
            "records": _digest_of(records),
            "versions": digest(versions().encode()),
            "processor": digest(processor().encode()),
            "variables": digest(variables().encode()),
        }

    def of(self, source: Path) -> dict[str, str]:
        """Digests of what a chapter is made from."""
        expected = self.project.expected / f"{topic(source.stem)}.yml"
        own = {"notebook": source, "expected numbers": expected}
        return {what: digest(path.read_bytes()) for what, path in own.items() if path.is_file()} | self.common


def made_from(project: Project, book: Path) -> str:
    """The digest of what the pages of a staged book are made from: its files, lib and versions."""
    common = Ingredients(project).common
    return _digest_of({"book": tree(book), "lib": common["lib"], "versions": common["versions"]})


def _digest_of(listing: dict) -> str:
    return digest(json.dumps(listing, sort_keys=True).encode())


@dataclass(frozen=True)
class Kept:
    """The executed chapters that builds keep, each whole or not at all, and what the pages were made from."""

    folder: Path

    def find(self, source: Path, ingredients: dict[str, str]) -> Executed | None:
        """A chapter that matched in every number when it was made from the same; None if there is none."""
        place = self.folder / source.stem
        listing = self._read(place / LISTING)
        files = tree(place)
        files.pop(LISTING, None)
        if listing.get("ingredients") != ingredients or listing.get("files") != files:
            return None
        told = {name: listing[name] for name in ("seconds", "megabytes", "record")}
        return Executed(source.stem, place / source.name, place / "figures", **told)

    def keep(self, chapter: Executed, ingredients: dict[str, str]) -> None:
        """Keep a chapter, if its every number matched."""
        if any(row["status"] != MATCH for row in chapter.record["numbers"]):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix="run-", dir=self.folder.parent))
        shutil.copyfile(chapter.notebook, part / chapter.notebook.name)
        shutil.copytree(chapter.figures, part / "figures")
        told = {name: getattr(chapter, name) for name in ("seconds", "megabytes", "record")}
        listing = {"ingredients": ingredients, "files": tree(part)} | told
        (part / LISTING).write_text(json.dumps(listing), encoding="utf-8")
        place = self.folder / chapter.name
        if place.exists():
            remove(place)
        os.replace(part, place)

    def pages_are(self, pages: Path | None, made_from: str) -> bool:
        """Whether these pages were made from what has this digest, and nobody has changed them since."""
        known = self._read(self.folder / "pages.json")
        return pages is not None and known == {"made from": made_from, "files": tree(pages)}

    def sign_pages(self, pages: Path, made_from: str | None = None) -> None:
        """Remember the pages as they are, and what they were made from (by default what it was before)."""
        made_from = made_from or self._read(self.folder / "pages.json").get("made from", "")
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"made from": made_from, "files": tree(pages)})
        (self.folder / "pages.json").write_text(text, encoding="utf-8")

    def forget(self, names: set[str] | None = None) -> None:
        """Delete the chapters of these names, or everything."""
        found = [path for path in self.folder.glob("*") if names is None or path.name in names]
        for path in found:
            remove(path) if path.is_dir() else path.unlink()

    def _read(self, path: Path) -> dict:
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
