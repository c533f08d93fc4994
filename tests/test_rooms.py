"""The rooms of lib: who may know whom. No circle, no arrow back up, no module of several purposes."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

LIB = Path(__file__).resolve().parents[1] / "lib"
GROUND = {"validation", "records", "plotting", "grounds"}
MAY_KNOW = {
    "validation": set(),
    "records": {"validation"},
    "grounds": set(),
    "plotting": {"grounds"},
    "checks": set(),
    "linear": {"validation"},
    "convolutional": {"plotting", "records", "validation"},
    "subnetworks": {"plotting", "convolutional", "linear", "records", "validation"},
    "oddity": {"subnetworks", "records", "validation"},
    "explorer": {"linear", "plotting", "grounds"},
    "book": {"explorer", "checks", "linear", "plotting", "records", "validation"},
}
LONGEST = 320  # lines; a module with one purpose has about 250 at most


def modules() -> dict[str, Path]:
    """Every module of lib by its dotted name without `lib.`."""
    paths = {path: path.relative_to(LIB).with_suffix("") for path in LIB.rglob("*.py")}
    parts = {path: [p for p in relative.parts if p != "__init__"] for path, relative in paths.items()}
    return {".".join(part): path for path, part in parts.items() if part}


def imports(path: Path, known) -> set[str]:
    """The modules of lib that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("lib.")}
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "lib":
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name.removeprefix("lib.") in known else node.module for name in inner}
    return {name.removeprefix("lib.") for name in found} - {"lib"}


@cache
def arrows() -> dict[str, set[str]]:
    """The modules that each module of lib imports."""
    known = modules()
    return {name: imports(path, known) for name, path in known.items()}


def room(name: str) -> str:
    return name.split(".")[0]


def circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of a graph, or an empty list."""
    done: set[str] = set()

    def walk(node, way):
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return []
        for other in sorted(graph.get(node, ())):
            if found := walk(other, [*way, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := walk(node, []))), [])


def test_every_room_has_its_rule():
    assert {room(name) for name in modules()} <= set(MAY_KNOW)


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_room_knows_only_those_below_it(name):
    allowed = MAY_KNOW[room(name)] | {room(name)}
    assert {other for other in arrows()[name] if room(other) not in allowed} == set()


def test_no_modules_import_each_other_in_a_circle():
    assert circle(arrows()) == []


def test_a_circle_would_be_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_is_short(name):
    lines = modules()[name].read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST, f"{name} has {lines} lines: split it by purpose"


@pytest.mark.parametrize("package", sorted({path.parent for path in LIB.rglob("*.py")} - {LIB}))
def test_a_package_says_what_its_rooms_are_for(package):
    assert ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))


def test_types_are_checked_in_the_whole_of_lib():
    mypy = tomllib.loads((LIB.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    assert mypy["packages"] == ["lib"]
    assert mypy["disallow_untyped_defs"]
    loosened = [override for override in mypy["overrides"] if set(override) - {"module", "follow_imports"}]
    assert [set(override) for override in loosened] == [{"module", "ignore_missing_imports"}]
    assert not [name for override in mypy["overrides"] for name in override["module"] if name[:3] == "lib"]
    assert "mypy" in (LIB.parent / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(LIB.rglob("*.py")), ids=lambda path: path.stem)
def test_a_type_that_is_not_checked_has_its_reason(path):
    text = path.read_text(encoding="utf-8")
    assert len(re.findall(r"type: ignore", text)) == len(re.findall(r"type: ignore\[[\w-]+\]  # \w", text))
