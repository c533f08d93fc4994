"""The page "Library": every public name of the rooms that chapters use, from the docstrings."""

from collections.abc import Sequence
from pathlib import Path

LIB = Path(__file__).resolve().parents[2]
ROOMS = ("linear", "convolutional", "subnetworks", "oddity", "checks")  # the machinery is for those who build
GROUND = ("plotting", "grounds", "records", "validation")


def library_page() -> str:
    """The library as MyST Markdown; autodoc fills it in."""
    parts = [
        "# Library",
        "The package `lib`, which the chapters share: each formula stands in it once. This page is made from "
        "its docstrings. Names in the chapters' code cells lead here. "
        "All names in alphabetical order: {ref}`genindex`.",
    ]
    for room in ROOMS:
        modules = sorted((LIB / room).glob("*.py"))
        if modules:
            parts.append(f"## lib.{room}")
            listed = [path.stem for path in modules if path.stem != "__init__"]
            parts += _modules(f"lib.{room}", listed)
    parts.append("## The ground floor")
    parts += _modules("lib", GROUND)
    return "\n\n".join(parts) + "\n"


def _modules(package: str, names: Sequence[str]) -> list[str]:
    """Links to the modules of a package in a row, and then each of them."""
    links = [f"{{py:mod}}`{name} <{package}.{name}>`" for name in names]
    return ["\N{NO-BREAK SPACE}· ".join(links), *(_module(f"{package}.{name}") for name in names)]


def _module(name: str) -> str:
    return f"### {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n   :ignore-module-all:\n```"
