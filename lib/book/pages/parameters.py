"""The page of parameters, read from the notebooks: what a reader may change, and what it means."""

from pathlib import Path

import papermill

from lib.book.pages.markdown import code, doc, escape, stacked
from lib.book.project import topic


def parameters_page(notebooks: list[Path]) -> str:
    """The parameters of every chapter as MyST Markdown."""
    parts = [
        "# Parameters",
        "Every chapter can be run with other values than its own. This page is written by the build "
        "from the notebooks' first cells. Closed forms are compared whatever the parameters; numbers "
        "recorded for the defaults are then shown as *not compared*. The command under each table is there to be "
        "edited: as it stands it sets the first parameter to its default.",
    ]
    for path in notebooks:
        known = papermill.inspect_notebook(path).values()
        rows = [[code(p["name"]), code(p["default"]), escape(p["help"])] for p in known]
        example = next(iter(known), None)
        parts += [f"## {doc(path.stem)}", stacked(["name", "default", "meaning"], rows)]
        if example:
            value = example["default"].strip("\"'")
            command = f'make chapter NAME={topic(path.stem)} PARAMS="{example["name"]}={value}"'
            parts.append(f"```sh\n{command}\n```")
    return "\n\n".join(parts) + "\n"
