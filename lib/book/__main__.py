"""``python -m lib.book build``, ``pdf``, ``slides``, ``links``, or ``chapter NAME [name=value ...]``."""

import argparse
import io
import os
import sys
import webbrowser
from pathlib import Path

from lib.book import BookError, address, links, own, pdf, slides
from lib.book.build import build
from lib.book.project import Project


def show(page: Path) -> None:
    """Open a page in the reader's browser, where there is a screen to show it on."""
    if sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(page.as_uri())


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lib.book", description=__doc__)
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--root", type=Path, default=root, help="the book's folder")
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("build", help="execute every chapter, check it, make the pages")
    made.add_argument("--fresh", action="store_true", help="take over nothing that an earlier build made")
    commands.add_parser("pdf", help="print the built book, and offer the PDF on its first page")
    commands.add_parser("slides", help="the figures of the built book as slides")
    commands.add_parser("links", help="try every address outside the book that it links to")
    move = commands.add_parser("address", help="set the public address, everywhere it stands")
    move.add_argument("url", nargs="?", default="", help="https://github.com/you/book")
    chapter = commands.add_parser("chapter", help="one chapter with parameters of your own")
    chapter.add_argument("name", nargs="?", default="", help="dynamics, 03_dynamics or a path")
    chapter.add_argument("parameters", nargs="*", metavar="name=value")
    options = parser.parse_args(arguments)
    project = Project(options.root.resolve())
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    try:
        match options.command:
            case "build":
                build(project, fresh=options.fresh)
            case "pdf":
                pdf.make(project)
            case "slides":
                slides.make(project)
            case "links":
                links.check(project)
            case "address":
                address.move(project, options.url)
            case "chapter":
                show(own.run(project, options.name, options.parameters))
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
