"""Setting up: of several first calls of make one installs; which build of PyTorch is taken."""

import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lib.book import torch_build

ROOT = Path(__file__).resolve().parents[1]

# In place of Python: `-m venv` takes until it is told to go on, and leaves a `python` that does nothing.
PYTHON = f"""#!/bin/sh
[ "$2" = venv ] || exec {sys.executable} "$@"
echo begun >> installations
until [ -e go ]; do sleep 0.05; done
[ "$(wc -l < installations)" -gt "$(cat failures)" ] || exit 1
mkdir -p .venv/bin && echo "#!/bin/sh" > .venv/bin/python && chmod +x .venv/bin/python
"""


@pytest.fixture
def fresh(tmp_path):
    """What a fresh clone needs for its installation, and how many of those fail."""
    (tmp_path / "lib" / "book").mkdir(parents=True)
    for name in ("Makefile", "requirements.txt", "lib/book/one_at_a_time.py", "lib/book/torch_build.py"):
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
    return [call.wait() for call in calls if call.communicate()]


def two_at_once(folder):
    """Two first calls: one installs, the other has said that it waits, and only then the first goes on."""
    first = make(folder)
    while not (folder / "installations").exists():
        assert first.poll() is None
        time.sleep(0.02)
    second = make(folder)
    assert any("holds .venv.lock: waiting" in line for line in second.stdout)
    (folder / "go").touch()
    return finish(first, second)


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
def test_two_first_calls_install_once(fresh):
    assert two_at_once(fresh) == [0, 0]
    assert (fresh / "installations").read_text(encoding="utf-8") == "begun\n"
    assert finish(make(fresh)) == [0]
    assert (fresh / "installations").read_text(encoding="utf-8") == "begun\n"


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
def test_after_a_failed_installation_the_one_that_waited_installs(fresh):
    (fresh / "failures").write_text("1", encoding="utf-8")
    assert two_at_once(fresh) == [2, 0]
    assert (fresh / ".venv" / ".complete").is_file()


def test_the_small_build_is_taken_from_its_index(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(torch_build, "answers", lambda url: url == f"{torch_build.INDEX}/cpu/torch/")
    *_, option, index, requirement = torch_build.command("cpu", "torch==2.13.0")
    assert (option, index, requirement) == ("--index-url", f"{torch_build.INDEX}/cpu", "torch==2.13.0")
    assert torch_build.command("pip", "torch") is None
    with pytest.raises(SystemExit, match=r"cu126 does not answer .* TORCH=cpu or TORCH=pip"):
        torch_build.command("cu126", "torch")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert torch_build.command("cpu", "torch") is None


def test_where_the_index_is_out_of_reach_pip_takes_what_it_finds(monkeypatch, capsys):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(torch_build, "answers", lambda url: False)
    assert torch_build.command("cpu", "torch") is None
    assert "pip takes the build it finds" in capsys.readouterr().out


def test_an_index_that_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert not torch_build.answers(f"http://127.0.0.1:{port}/", patience=0.2)
    assert not torch_build.answers(f"http://127.0.0.1:{port}/", patience=5)


def test_an_index_that_answers_is_heard(tmp_path):
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        port = server.stdout.readline().split("port ")[1].split()[0]
        assert torch_build.answers(f"http://127.0.0.1:{port}/", patience=60)
        assert not torch_build.answers(f"http://127.0.0.1:{port}/torch/", patience=60)
        server.terminate()
