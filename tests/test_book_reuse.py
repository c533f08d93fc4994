"""What an earlier build made is taken over only where nothing that it was made from has changed."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
from book_planting import CHECKS, NUMBERS, REPORT, figure_cell, plant, plant_chapter, write_toc

from lib.book import BookError, execute, reuse, site
from lib.book.build import build
from lib.book.project import Project


class Executing(Exception):
    """The build went to execute these chapters."""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """What stands for lib and the results beside it; the chapters use the real ones."""
    folder = tmp_path_factory.mktemp("library")
    for name in ("lib/room/module.py", "results/record.json"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("before", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory, library):
    """A book of two chapters that was built; its pages are stand-ins, and so are the versions."""
    project = plant(tmp_path_factory.mktemp("built"), "01_one", "02_two")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reuse, "LIBRARY", library)
        patch.setattr(site, "make", pages)
        patch.setattr(reuse.metadata, "distributions", packages)
        build(project)
    return project


def packages():
    """Not those of this machine, to which somebody may be adding one."""
    return [type("Package", (), {"name": "numpy", "version": "2.4.6"})]


def pages(book, output):
    output.mkdir()
    (output / "index.html").write_text("made", encoding="utf-8")
    return output


@pytest.fixture
def again(built, library, tmp_path, monkeypatch):
    """A copy of the built book and of its library in the same places, with a build that only says what it would do."""
    for folder in (built.root, library):
        shutil.copytree(folder, tmp_path / folder.name)
    yield_back = [(folder, tmp_path / folder.name) for folder in (built.root, library)]
    monkeypatch.setattr(reuse, "LIBRARY", library)
    monkeypatch.setattr(reuse.metadata, "distributions", packages)
    monkeypatch.setattr(site, "make", refuse)
    monkeypatch.setattr(execute, "run_all", lambda project, sources, *rest, **more: refuse(sources))
    yield built
    for folder, copy in yield_back:
        shutil.rmtree(folder)
        shutil.copytree(copy, folder)


def refuse(what, *rest):
    raise Executing([path.stem for path in what] if isinstance(what, list) else "pages")


def test_with_nothing_changed_nothing_is_made_again(again):
    before = {name: (again.output / name).read_bytes() for name in ("report.json", "html/index.html")}
    assert build(again).is_file()
    assert {name: (again.output / name).read_bytes() for name in before} == before
    assert {path.name for path in again.output.iterdir()} == {
        "html",
        "executed",
        "report.json",
        "kept",
        ".lock",
    }


def append(path, text="\n# another byte\n"):
    path.write_bytes(path.read_bytes() + text.encode())


def other_notebook(project, library, monkeypatch):
    append(project.root / "chapters" / "02_two.ipynb", "\n")


def other_expected(project, library, monkeypatch):
    append(project.expected / "two.yml")


def other_lib(project, library, monkeypatch):
    append(library / "lib" / "room" / "module.py")


def new_module(project, library, monkeypatch):
    (library / "lib" / "room" / "new.py").touch()


def other_record(project, library, monkeypatch):
    append(library / "results" / "record.json")


def own_record(project, library, monkeypatch):
    (project.root / "results").mkdir()
    (project.root / "results" / "new.json").touch()


def other_version(project, library, monkeypatch):
    monkeypatch.setattr(reuse.metadata, "distributions", lambda: [])


def other_python(project, library, monkeypatch):
    monkeypatch.setattr(sys, "version", "3.99")


def other_processor(project, library, monkeypatch):
    monkeypatch.setattr(reuse.platform, "processor", lambda: "another")


def other_instructions(project, library, monkeypatch):
    now = os.environ.get("ATEN_CPU_CAPABILITY")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2" if now == "default" else "default")


def changed_copy(project, library, monkeypatch):
    append(project.output / "kept" / "02_two" / "02_two.ipynb", "\n")


def changed_figure(project, library, monkeypatch):
    append(project.output / "kept" / "02_two" / "figures" / "drawing_two.svg")


def lost_listing(project, library, monkeypatch):
    (project.output / "kept" / "02_two" / reuse.LISTING).write_text("{", encoding="utf-8")


ONE = (other_notebook, other_expected, changed_copy, changed_figure, lost_listing)
ALL = (
    other_lib, new_module, other_record, own_record,
    other_version, other_python, other_processor, other_instructions,
)  # fmt: skip


@pytest.mark.parametrize("change", ONE + ALL, ids=lambda change: change.__name__)
def test_each_ingredient_has_the_chapter_executed_again(change, again, library, monkeypatch):
    change(again, library, monkeypatch)
    with pytest.raises(Executing) as found:
        build(again)
    assert found.value.args == ((["02_two"],) if change in ONE else (["01_one", "02_two"],))


def test_fresh_takes_over_nothing(again):
    with pytest.raises(Executing) as found:
        build(again, fresh=True)
    assert found.value.args == (["01_one", "02_two"],)
    assert not list((again.output / "kept").iterdir())


@pytest.mark.parametrize("what", ["text", "page", "lib"])
def test_other_pages_are_made_again(what, again, library, monkeypatch):
    if what == "lib":  # the chapters as if they were untouched
        monkeypatch.setattr(reuse, "versions", lambda: "others")
        monkeypatch.setattr(reuse.Kept, "find", lambda *_, find=reuse.Kept.find: find_whatever(*_))
    append({"text": again.root / "intro.md"}.get(what, again.output / "html" / "index.html"))
    with pytest.raises(Executing, match="pages"):
        build(again)
    assert not (again.output / "html").exists()


def find_whatever(kept, source, ingredients):
    listing = json.loads((kept.folder / source.stem / reuse.LISTING).read_text(encoding="utf-8"))
    told = {name: listing[name] for name in ("seconds", "megabytes", "record")}
    place = kept.folder / source.stem
    return execute.Executed(source.stem, place / source.name, place / "figures", **told)


def test_a_chapter_that_changed_while_it_was_executed_is_not_kept(tmp_path, monkeypatch):
    project = plant(tmp_path, "01_one")
    append_here = f"open({str(project.expected / 'one.yml')!r}, 'a').write('# later')"
    plant_chapter(tmp_path, "01_one", [CHECKS, append_here, figure_cell("a"), REPORT])
    monkeypatch.setattr(site, "make", pages)
    build(project)
    assert not (project.output / "kept" / "01_one").exists()


def test_a_killed_build_keeps_the_chapters_that_were_whole(tmp_path, monkeypatch):
    project = plant(tmp_path, "01_one", "02_two")
    plant_chapter(tmp_path, "01_one", [CHECKS, "import time; time.sleep(600)", REPORT])
    command = [sys.executable, "-u", "-m", "lib.book", "--root", str(project.root), "build"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert any("done     02_two" in line for line in run.stdout)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    monkeypatch.setattr(execute, "run_all", lambda project, sources, *rest, **more: refuse(sources))
    with pytest.raises(Executing) as found:
        build(project)
    assert found.value.args == (["01_one"],)


def test_numbers_that_do_not_match_are_not_kept(tmp_path):
    project = plant(tmp_path, "01_one", "02_two")
    wrong = NUMBERS | {"third": NUMBERS["third"] | {"value": 0.25}}
    plant_chapter(tmp_path, "01_one", numbers=wrong)
    with pytest.raises(BookError, match=r"third: here 0\.5"):
        build(project)
    assert not (project.output / "kept" / "01_one").exists()


def test_a_chapter_that_left_the_book_is_forgotten(again, monkeypatch):
    write_toc(again.root, "01_one")
    with pytest.raises(Executing, match="pages"):
        build(Project(again.root))
    assert [path.name for path in (again.output / "kept").iterdir() if path.is_dir()] == ["01_one"]
