"""What must be true of the files of the repository, whichever chapters there are."""

import ast
import json
import re
import shlex
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import nbformat
import papermill
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks import chapters
from lib.book import BookError
from lib.book.numbering import NUMBERED
from lib.book.pages import teaching
from lib.book.project import Project, topic
from lib.book.sharing import pages_address
from lib.checks.expected import EXPECTED, read_expected

ROOT = Path(__file__).resolve().parents[1]
PROJECT = Project(ROOT)
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
TEMPLATE = ROOT / "templates" / "template.ipynb"
every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def tracked() -> list[Path]:
    """The repository's files: those git knows and those it would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def git(*words: str) -> str | None:
    """What git answers, None where it refuses."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


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
    shown = [cell for cell in code(path) if "remove-cell" not in cell.metadata.get("tags", [])]
    lines = [line for cell in shown for line in cell.source.splitlines()]
    assert [line for line in lines if len(line) > 82] == []  # its box on a page of 768 pixels holds 83


@every_chapter
def test_a_chapter_opens_with_a_question_is_short_and_says_what_to_remember(path):
    """Words by white space, formulas with all their parts; three chapters are longer."""
    cells = nbformat.read(path, as_version=4).cells
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    assert "**The question.**" in texts[0]
    assert "## What to remember\n" in "\n".join(texts)
    longer = {"geometry": 4000, "masks": 4000, "oddity": 3600}
    assert len("\n".join(texts).split()) <= longer.get(topic(path.stem), 3000)


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
            caption = cell.metadata["mystnb"]["figure"]["caption"]
            assert caption
            assert not re.search(
                r"\b(black|white)\b", caption, re.IGNORECASE
            )  # each is the other in the dark
            assert cell.metadata["mystnb"]["figure"]["name"]
            assert cell.metadata["mystnb"]["image"]["alt"]
            assert cell.metadata["book"]["content"]
            assert cell.metadata["book"]["checks"]


def test_every_tracked_figure_is_made_by_exactly_one_chapter():
    made = [name for path in CHAPTERS for name in names(path, "save", 1)]
    files = [path.stem for path in tracked() if path.parent == ROOT / "figures"]
    assert sorted(made) == sorted(files)


def pins() -> dict[str, str]:
    """The lock: normalised names and versions."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", pin) for pin in pinned), pinned
    versions = {canonicalize_name(name): version for name, version in (pin.split("==") for pin in pinned)}
    assert len(versions) == len(pinned)
    return versions


def declared() -> dict[str, list[Requirement]]:
    """What pyproject.toml names: for the chapters, the book, the tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"chapters": project["dependencies"]} | project["optional-dependencies"]
    return {group: [Requirement(text) for text in texts] for group, texts in groups.items()}


def test_the_lock_pins_what_is_declared_within_its_bounds():
    for requirement in [requirement for group in declared().values() for requirement in group]:
        assert pins()[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_binder_installs_the_chapters_needs_at_the_pins_of_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *_, pip = environment["dependencies"]
    assert "--constraint requirements.txt" in pip["pip"]
    assert "--editable ." in pip["pip"]
    packages = [line for line in pip["pip"] if not line.startswith("--")]
    assert all(
        pins()[canonicalize_name(name)] == version for name, version in (p.split("==") for p in packages)
    )


def optional(tree):
    """The statements that may fail: those of which an ImportError is caught."""
    tries = [node for node in ast.walk(tree) if isinstance(node, ast.Try)]
    caught = [t for t in tries if any(h.type and ast.unparse(h.type) == "ImportError" for h in t.handlers)]
    return [inner for node in caught for statement in node.body for inner in ast.walk(statement)]


def imported(text, all_of_them=True):
    """The modules that a source imports, or needs, as dotted names; those of `from lib import x` as lib.x."""
    tree = ast.parse(text)
    spared = [] if all_of_them else optional(tree)
    for node in ast.walk(tree):
        if node in spared:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (
                (f"lib.{alias.name}" for alias in node.names) if node.module == "lib" else [node.module]
            )


def assert_declared(names, *groups):
    known = {canonicalize_name(requirement.name) for group in groups for requirement in declared()[group]}
    owners = metadata.packages_distributions()
    foreign = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"lib"}
    assert "numpy" in foreign
    for name in foreign:
        owner = set(map(canonicalize_name, owners[name]))
        assert known & owner, f"{name} is not in pyproject.toml's dependencies {groups}"


def test_what_is_imported_is_declared():
    names = {name for path in CHAPTERS for cell in code(path) for name in imported(cell.source)}
    modules = {f"lib.{path.stem}": path for path in (ROOT / "lib").glob("*.py")}
    used = {name for name in names if name in modules}
    while used:
        texts = [modules[module].read_text(encoding="utf-8") for module in used]
        more = {name for text in texts for name in imported(text, all_of_them=False)}
        used = {name for name in more - names if name in modules}
        names |= more
    assert_declared(names, "chapters")
    rest = {name for path in modules.values() for name in imported(path.read_text(encoding="utf-8"))}
    assert_declared(rest, "chapters", "cluster")


def test_the_version_stands_in_one_place_and_its_copies_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == project["version"]
    assert f"\n## {project['version']}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_public_address_stands_in_one_place_and_its_copies_agree():
    address = PROJECT.config()["repository"]["url"]
    owner, name = address.removeprefix("https://github.com/").split("/")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["repository-code"] == address
    holders = {path.name for path in readable() if address in path.read_text(encoding="utf-8")}
    notebooks = {path.name for path in [*CHAPTERS, TEMPLATE]}
    assert holders - {Path(__file__).name, "test_sharing.py"} == {
        "_config.yml",
        "CITATION.cff",
        "README.md",
        *notebooks,
    }
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    badges = re.findall(r"(?:github\.com/|/v2/gh/)([^/\s]+/[^/\s]+)/(?:actions|main)", readme)
    assert badges
    assert set(badges) == {f"{owner}/{name}"}
    assert pages_address(address) in readme


@every_chapter
def test_a_chapter_fetches_the_book_only_where_it_is_missing(path):
    first = nbformat.read(path, as_version=4).cells[0]
    assert first.metadata["tags"] == ["remove-cell"]
    assert first.source == nbformat.read(TEMPLATE, as_version=4).cells[0].source
    assert f"git+{PROJECT.config()['repository']['url']}#" in first.source
    done = []
    shell = SimpleNamespace(run_line_magic=lambda *arguments: done.append(arguments))
    exec(compile(first.source, "cell", "exec"), {"get_ipython": lambda: shell})
    assert done == []  # here it is installed
    elsewhere = first.source.replace('find_spec("lib")', 'find_spec("no_such_library")')
    before = list(sys.path)
    exec(compile(elsewhere, "cell", "exec"), {"get_ipython": lambda: shell})
    assert [name for name, _ in done] == ["pip"]
    assert sys.path[:-1] == before
    sys.path[:] = before


@pytest.mark.parametrize("what", ["a package", "a folder"])
def test_the_first_cell_tells_another_lib_from_the_books(tmp_path, what):
    (tmp_path / "lib").mkdir()
    if what == "a package":
        (tmp_path / "lib" / "__init__.py").write_text("", encoding="utf-8")
    first = nbformat.read(TEMPLATE, as_version=4).cells[0].source
    command = [sys.executable, "-S", "-c", first]  # -S: without what is installed
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    told = done.stderr.splitlines()[-1]
    assert told.startswith("ImportError: another package named lib hides the book's: ")
    assert str(tmp_path / "lib") in told
    assert "Rename it" in told


def test_teachers_are_told_of_every_chapter_what_it_needs():
    """As the build does, without one."""
    chapters = {path.stem: path for path in PROJECT.chapters()}
    text = (ROOT / "teaching.md").read_text(encoding="utf-8")
    summary = {"chapters": [{"name": name, "seconds": 1.0} for name in chapters]}
    page = teaching.teaching_page(text, summary, list(chapters.values()))
    assert all(f"chapters/{name}`" in page for name in chapters)
    with pytest.raises(BookError, match="which does not come before it"):
        teaching.teaching_page(text, summary, list(reversed(chapters.values())))


def test_the_minutes_of_a_route_are_the_sum_of_those_in_the_table():
    paths = PROJECT.chapters()
    text = (ROOT / "teaching.md").read_text(encoding="utf-8")
    summary = {"chapters": [{"name": path.stem, "seconds": 1.0} for path in paths]}
    page = teaching.teaching_page(text, summary, paths)
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| {doc}")]
    table = {re.search(r"chapters/\d+_(\w+)`", row[0])[1]: int(row[3]) for row in rows}
    told = [int(sum_) for sum_ in re.findall(r"(\d+) minutes", page)]
    hour, afternoon = ["datasets", "systematicity", "dynamics", "coupling"], ["modules"]
    assert told == [
        sum(table[name] for name in hour),
        sum(table[name] for name in hour + afternoon),
        sum(table.values()),
    ]
    assert len(table) == len(paths)
    with pytest.raises(BookError, match="a route leads through coupling, but not systematicity"):
        teaching.teaching_page(text.replace("`datasets, systematicity, ", "`datasets, "), summary, paths)


def test_no_text_counts_chapters_by_itself():
    """A number in the text is a link, which the build corrects; elsewhere a chapter goes by its name."""
    counted = re.compile(r"(?<![`\w])[Cc]hapters? \d+(?!\w)")
    linked = re.compile(r"\{ref\}`[^`]*`")
    allowed = {Path(__file__).name, "numbering.py", "test_screens.py", "CHANGELOG.md"}
    found = {
        f"{path.relative_to(ROOT)}: {line.strip()[:100]}"
        for path in readable()
        if path.name not in allowed
        for line in path.read_text(encoding="utf-8").splitlines()
        if counted.search(linked.sub("", line))
    }
    assert found == set()
    for path in CHAPTERS:  # a link's text is corrected only where it is nothing but the number
        texts = [cell.source for cell in nbformat.read(path, as_version=4).cells]
        links = re.findall(r"\{ref\}`([^`<]*\d[^`<]*) <\w+>`", "\n".join(texts))
        assert [text for text in links if not NUMBERED.fullmatch(text)] == [], path.stem


def test_every_word_of_the_glossary_is_linked_from_a_chapter():
    text = (ROOT / "glossary.md").read_text(encoding="utf-8")
    words = set(re.findall(r"^(\w[\w -]*)$", text.split("```{glossary}")[1], re.MULTILINE))
    sources = [cell.source for path in CHAPTERS for cell in nbformat.read(path, as_version=4).cells]
    linked = {word for source in sources for word in re.findall(r"\{term\}`(?:[^`<]*<)?([^`>]+)>?`", source)}
    assert words
    assert words == linked


def test_the_measurements_in_the_readme_are_those_recorded():
    record = json.loads((ROOT / "results" / "chapter_times.json").read_text(encoding="utf-8"))
    rows = record["results"]["chapters"]
    assert [row["name"] for row in rows] == [topic(path.stem) for path in PROJECT.chapters()]
    assert all(row["seconds"] <= chapters.SECONDS and row["megabytes"] <= 2048 for row in rows)
    assert chapters.shown((ROOT / "README.md").read_text(encoding="utf-8")) == chapters.table(rows)


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


WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
}


def test_workflows_pin_their_actions_and_ask_for_little():
    for workflow in WORKFLOWS.values():
        assert workflow["permissions"] == {"contents": "read"}
        for name, job in workflow["jobs"].items():
            more = {"pages": "write", "id-token": "write"} if name == "publish" else None
            assert job.get("permissions") == more
            used = [step["uses"] for step in job["steps"] if "uses" in step]
            assert all(re.search(r"@[0-9a-f]{40}$", action) for action in used), used


def test_only_pages_that_passed_are_published():
    jobs = WORKFLOWS["ci"]["jobs"]
    assert {"lint", "tests", "book", "browser", "links"} < set(jobs)
    assert set(jobs["publish"]["needs"]) >= {"lint", "tests", "book", "browser"}
    assert "refs/heads/main" in jobs["publish"]["if"]
    assert not any("run" in step for step in jobs["publish"]["steps"])  # nothing is built there


def test_workflows_run_the_commands_of_the_makefile():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    steps = [step for w in WORKFLOWS.values() for job in w["jobs"].values() for step in job["steps"]]
    commands = [step["run"] for step in steps if step.get("run", "").startswith("make ")]
    assert len(commands) >= 6
    words = {word for command in commands for word in shlex.split(command)[1:]}
    assert {word for word in words if "=" not in word} <= targets


def test_every_work_of_the_bibliography_is_cited_and_all_in_one_style():
    """{cite:p} in brackets, {cite:t} in the sentence; the bare role, whose style is the theme's, is not used."""
    pages = [*(ROOT / "chapters").glob("*.ipynb"), *ROOT.glob("*.md")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in pages)
    cited = {key.strip() for keys in re.findall(r"\{cite:[pt]\}`([^`]+)`", text) for key in keys.split(",")}
    entries = re.findall(
        r"^@\w+\{([^,]+),", (ROOT / "references.bib").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(cited) == sorted(entries)
    assert "{cite}" not in text


def test_no_two_works_look_alike_where_they_are_cited():
    """The text names a work by its first author, whether there are others, and the year."""
    works = ("\n" + (ROOT / "references.bib").read_text(encoding="utf-8")).split("\n@")[1:]
    authors = [re.search(r"author = \{(.+)\},\n", work)[1] for work in works]
    years = [re.search(r"\byear = \{(\w+)\}", work)[1] for work in works]
    shown = [(who.split(",")[0], " and " in who, year) for who, year in zip(authors, years, strict=True)]
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize("path", sorted((ROOT / "results").glob("*.json")), ids=lambda path: path.stem)
def test_a_record_names_a_commit_of_this_history(path):
    if git("rev-parse", "--is-shallow-repository") != "false":
        pytest.skip("the history is not here")
    content = json.loads(path.read_text(encoding="utf-8"))
    if "commit" not in content:
        assert content["settings"]  # measured times: the date says which code
        return
    named = re.fullmatch(r"([0-9a-f]{40})(?: \(.+\))?", content["commit"])
    assert named, content["commit"]
    assert git("merge-base", "--is-ancestor", named[1], "HEAD") is not None
