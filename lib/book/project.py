"""Where things are in a book: its chapters, its output, its expected numbers."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from lib.book import BookError


@dataclass(frozen=True)
class Project:
    """A book's root folder and the places in it."""

    root: Path

    @property
    def output(self) -> Path:
        return self.root / "_build"

    @property
    def figures(self) -> Path:
        return self.root / "figures"

    @property
    def expected(self) -> Path:
        return self.root / "tests" / "expected"

    def config(self) -> dict:
        return yaml.safe_load((self.root / "_config.yml").read_text(encoding="utf-8"))

    def chapters(self) -> list[Path]:
        """The notebooks that the table of contents lists, in its order."""
        toc = yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8"))
        listed = [self.root / name for name in _files(toc) if name.startswith("chapters/")]
        notebooks = [
            path if path.suffix == ".ipynb" else path.with_name(f"{path.name}.ipynb")
            for path in listed
            if path.suffix != ".md" and not path.with_name(f"{path.name}.md").is_file()
        ]
        if missing := [path.name for path in notebooks if not path.is_file()]:
            raise BookError(f"_toc.yml lists chapters that do not exist: {', '.join(missing)}")
        if not notebooks:
            raise BookError("_toc.yml lists no chapter")
        return notebooks

    def parts(self) -> dict[str, str]:
        """The caption of the part in which the table of contents lists a document, by the document."""
        toc = yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8"))
        return {name: part.get("caption", "") for part in toc.get("parts", []) for name in _files(part)}

    def chapter(self, name: str) -> Path:
        """The notebook that a reader means by ``dynamics``, ``03_dynamics`` or a path."""
        stem = Path(name).stem
        notebooks = sorted((self.root / "chapters").glob("*.ipynb"))
        for path in notebooks:
            if stem in (path.stem, topic(path.stem)):
                return path
        known = ", ".join(topic(path.stem) for path in notebooks)
        if not name:
            usage = 'make chapter NAME=dynamics PARAMS="n_x=4 r=0.5" (PARAMS may be left out)'
            raise BookError(f"name a chapter: {usage}\nThe chapters: {known}")
        raise BookError(f"there is no chapter {name!r}; there are: {known}")


def topic(stem: str) -> str:
    """``03_dynamics`` -> ``dynamics``."""
    number, _, rest = stem.partition("_")
    return rest if number.isdigit() and rest else stem


def _files(node: object) -> list[str]:
    """Every file of a table of contents, in order."""
    if isinstance(node, list):
        return [name for item in node for name in _files(item)]
    if not isinstance(node, dict):
        return []
    own = [node[key] for key in ("root", "file") if key in node]
    return own + [name for value in node.values() for name in _files(value)]
