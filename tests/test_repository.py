"""What must be true of the files of the repository, whichever chapters there are."""

import ast
import re
import subprocess
from pathlib import Path

import nbformat
import papermill
import pytest
import yaml

from lib.book.project import Project, topic
from lib.checks import EXPECTED, read_expected

ROOT = Path(__file__).resolve().parents[1]
PROJECT = Project(ROOT)
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def tracked() -> list[Path]:
    """The repository's files: those git knows and those it would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def code(path: Path) -> list:
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def calls(path: Path, name: str) -> list[ast.Call]:
    """The calls of a function or method of this name, anywhere in a chapter's code."""
    trees = [ast.parse(cell.source) for cell in code(path)]
    found = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [n for n in found if name in (getattr(n.func, "attr", ""), getattr(n.func, "id", ""))]


def names(path: Path, function: str, position: int) -> list[str]:
    """The literal names that a chapter passes to a function."""
    arguments = [call.args[position] for call in calls(path, function)]
    return [node.value for node in arguments if isinstance(node, ast.Constant)]


def test_there_are_chapters_and_all_are_in_the_table_of_contents():
    assert CHAPTERS
    assert sorted(PROJECT.chapters()) == CHAPTERS


def test_every_file_of_expected_numbers_belongs_to_a_chapter():
    files = {path.stem for path in EXPECTED.glob("*.yml")}
    assert files == {names(path, "Ledger", 0)[0] for path in CHAPTERS}


@every_chapter
def test_a_chapter_is_stored_without_outputs(path):
    for cell in code(path):
        assert cell.outputs == []
        assert cell.execution_count is None
    metadata = nbformat.read(path, as_version=4).metadata
    assert metadata["kernelspec"]["name"] == "python3"
    assert metadata["language_info"]["name"] == "python"


@every_chapter
def test_a_code_cell_fits_on_the_screen(path):
    lengths = {cell.id: len(cell.source.splitlines()) for cell in code(path)}
    assert {name: lines for name, lines in lengths.items() if lines > 30} == {}


@every_chapter
def test_a_chapter_has_one_ledger_of_its_own_and_ends_with_its_report(path):
    ledgers = names(path, "Ledger", 0)
    assert len(ledgers) == 1
    assert topic(ledgers[0]) == topic(path.stem)
    assert len(calls(path, "report")) == 1


@every_chapter
def test_the_expected_numbers_hold_for_the_parameters_cell(path):
    known = papermill.inspect_notebook(path)
    defaults = {name: ast.literal_eval(entry["default"]) for name, entry in known.items()}
    assert defaults
    assert read_expected(names(path, "Ledger", 0)[0])["parameters"] == defaults


@every_chapter
def test_parameters_have_a_comment_that_says_what_they_are(path):
    known = papermill.inspect_notebook(path)
    assert [name for name, entry in known.items() if not entry["help"]] == []


@every_chapter
def test_numbers_named_in_a_chapter_are_expected(path):
    expected = set(read_expected(names(path, "Ledger", 0)[0])["numbers"])
    assert set(names(path, "check", 0)) <= expected
    for cell in code(path):
        guards = cell.metadata.get("book", {}).get("checks", [])
        assert set(guards) <= expected


@every_chapter
def test_a_figure_cell_has_what_the_book_needs(path):
    for cell in code(path):
        drawn = [
            node
            for node in ast.walk(ast.parse(cell.source))
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("plotting.save")
        ]
        if drawn:
            assert cell.metadata["mystnb"]["figure"]["caption"]
            assert cell.metadata["mystnb"]["figure"]["name"]
            assert cell.metadata["mystnb"]["image"]["alt"]
            assert cell.metadata["book"]["content"]
            assert cell.metadata["book"]["checks"]


def test_every_tracked_figure_is_made_by_exactly_one_chapter():
    made = [name for path in CHAPTERS for name in names(path, "save", 1)]
    files = [path.stem for path in tracked() if path.parent == ROOT / "figures"]
    assert sorted(made) == sorted(files)


def test_the_lock_serves_pip_and_binder():
    pins = [
        line.split("#")[0].strip()
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if line.split("#")[0].strip()
    ]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", pin) for pin in pins), pins
    packages = [re.sub(r"[-_.]+", "-", pin.split("==")[0]).lower() for pin in pins]
    assert len(packages) == len(set(packages))
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *_, pip = environment["dependencies"]
    assert "-r requirements.txt" in pip["pip"]
    assert not any("==" in line for line in pip["pip"])


def test_the_public_address_stands_in_one_place():
    address = PROJECT.config()["repository"]["url"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["repository-code"] == address
    holders = {path.name for path in readable() if address in path.read_text(encoding="utf-8")}
    assert holders == {"_config.yml", "CITATION.cff"}


def readable() -> list[Path]:
    """The tracked text files that were written here."""
    kinds = {".md", ".py", ".yml", ".toml", ".txt", ".ipynb", ".cff", ".css", ".bib", ""}
    files = [path for path in tracked() if path.suffix in kinds and path.parts[-1] != "LICENSE"]
    return [path for path in files if ROOT / "vendor" not in path.parents]


def test_no_file_names_a_place_outside_the_project():
    outside = re.compile(r"(?<![\w.])/(?:work|home|Users|root)/|\.\./shared")
    allowed = {Path(__file__).name}
    named = {
        f"{path.relative_to(ROOT)}: {line.strip()[:80]}"
        for path in readable()
        if path.name not in allowed
        for line in path.read_text(encoding="utf-8").splitlines()
        if outside.search(line)
    }
    assert named == set()


def test_workflows_pin_their_actions_and_ask_for_little():
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert workflows
    for path in workflows:
        text = path.read_text(encoding="utf-8")
        assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
        used = re.findall(r"uses: (\S+)", text)
        assert all(re.search(r"@[0-9a-f]{40}$", action) for action in used), used
