"""Several first calls of make at once: one installs, the others wait and find it done."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# In place of Python: `-m venv` takes its time and leaves a `python` that does nothing.
PYTHON = f"""#!/bin/sh
[ "$2" = venv ] || exec {sys.executable} "$@"
echo begun >> installations
sleep 1
[ "$(wc -l < installations)" -gt "$(cat failures)" ] || exit 1
mkdir -p .venv/bin && echo "#!/bin/sh" > .venv/bin/python && chmod +x .venv/bin/python
"""


@pytest.fixture
def fresh(tmp_path):
    """What a fresh clone needs for its installation, and how many of those fail."""
    (tmp_path / "lib" / "book").mkdir(parents=True)
    for name in ("Makefile", "requirements.txt", "lib/book/one_at_a_time.py"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / "failures").write_text("0", encoding="utf-8")
    (tmp_path / "python").write_text(PYTHON, encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def make(folder):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "environment", "PYTHON=./python"]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


def finish(*calls):
    told = [call.communicate(timeout=20)[0] for call in calls]
    return [call.returncode for call in calls], told


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
def test_two_first_calls_install_once(fresh):
    status, told = finish(make(fresh), make(fresh))
    assert status == [0, 0]
    assert (fresh / "installations").read_text(encoding="utf-8") == "begun\n"
    assert sum("holds .venv.lock: waiting" in text for text in told) == 1
    assert finish(make(fresh))[0] == [0]
    assert (fresh / "installations").read_text(encoding="utf-8") == "begun\n"


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
def test_after_a_failed_installation_the_one_that_waited_installs(fresh):
    (fresh / "failures").write_text("1", encoding="utf-8")
    status, _ = finish(make(fresh), make(fresh))
    assert sorted(status) == [0, 2]
    assert (fresh / ".venv" / ".complete").is_file()
