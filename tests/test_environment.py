"""A machine on which nothing of the book is installed: what environment.yml names suffices for a chapter."""

import os
import re
import shutil
import subprocess
import venv
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(
    ".venv", "_build", ".git", "vendor", ".*_cache", "*.egg-info", "__pycache__"
)
RUN = """import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": sys.argv[2]}}).execute()
print(max(cell.execution_count or 0 for cell in notebook.cells if cell.cell_type == "code"))
"""


def call(command, folder, **variables):
    """Run a command in a clean environment; its output, or what it said before it failed."""
    kept = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "LANG", "PIP_INDEX_URL", "PIP_CONFIG_FILE")
        if name in os.environ
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=kept | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def binder(tmp_path_factory):
    """A copy of the repository, and an empty environment into which pip has put what environment.yml names."""
    folder = tmp_path_factory.mktemp("binder")
    shutil.copytree(ROOT, folder / "book", ignore=LEFT_OUT)
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *_, pip = environment["dependencies"]
    (folder / "book" / "named.txt").write_text("\n".join(pip["pip"]), encoding="utf-8")
    # An extra index that does not answer is passed over at once, not tried again and again.
    options = {"PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "15", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    call([python, "-m", "pip", "install", "--quiet", "-r", "named.txt"], folder / "book", **options)
    return folder / "book", python


@pytest.mark.slow
def test_a_chapter_runs_in_what_binder_installs(binder):
    book, python = binder
    chapter = book / "chapters" / "01_datasets.ipynb"
    executed = call([python, "-c", RUN, chapter, chapter.parent], chapter.parent)
    assert int(executed) >= 10


@pytest.mark.slow
def test_the_environment_is_small(binder):
    _, python = binder
    installed = call([python, "-m", "pip", "list", "--format=freeze"], ROOT)
    names = set(re.findall(r"^([\w.-]+)==", installed, re.MULTILINE))
    assert "specialization-of-neural-modules" in names
    assert not names & {"pytest", "hypothesis", "ruff", "papermill", "jupyter-book"}


@pytest.mark.slow
def test_the_first_cell_fetches_the_book_where_it_is_missing(binder, tmp_path):
    book, python = binder
    call([python, "-m", "pip", "uninstall", "--yes", "--quiet", "specialization-of-neural-modules"], tmp_path)
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "c"],
    ):
        subprocess.run(["git", *command], cwd=book, check=True)
    chapter = tmp_path / "01_datasets.ipynb"
    text = (book / "chapters" / chapter.name).read_text(encoding="utf-8")
    fetched = re.sub(r"git\+https://github.com/[\w.-]+/[\w.-]+#", f"git+{book.as_uri()}#", text)
    assert fetched != text
    chapter.write_text(fetched, encoding="utf-8")
    executed = call([python, "-c", RUN, chapter, tmp_path], tmp_path, PIP_RETRIES="0", PIP_NO_DEPS="1")
    assert int(executed) >= 10
    assert (tmp_path / "specialization-of-neural-modules" / "lib").is_dir()
