"""Processes that end with those that started them, and locks that end with those that hold them."""

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from lib.book import BookError

LONGEST_FOLDER = 70  # characters; sockets have at most 103 (macOS), and names of their own


def end_tree(pid: int) -> None:
    """Kill a process and all that it started."""
    try:
        process = psutil.Process(pid)
        tree = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for member in tree:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs([process], timeout=5)


def end_with_parent(*folders: str) -> None:
    """From now on end this process, and all that it starts, when its standard input closes.

    That is when whoever started it, and holds the other end of that pipe, is gone. The folders go too.
    """
    threading.Thread(target=_end_at_the_end_of_input, args=folders, daemon=True).start()


def _end_at_the_end_of_input(*folders: str) -> None:
    os.read(sys.stdin.fileno(), 1)  # returns when the other end is closed
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def folder_for_sockets() -> Path:
    """A fresh folder of this user alone whose path is short: a system allows a socket about 100 characters."""
    usual = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="book-", dir=usual if len(usual) <= LONGEST_FOLDER else "/tmp"))


@contextmanager
def alone(path: Path, refusal: str) -> Iterator[None]:
    """Hold the lock of this file; BookError with the refusal where another process holds it.

    The system lets go of the lock when its holder dies, however that comes about.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(path)
    try:
        held.acquire(timeout=2)  # a child of a build just killed may hold it for a moment
    except Timeout:
        raise BookError(refusal) from None
    try:
        yield
    finally:
        held.release()


def remove(folder: Path) -> None:
    """Delete a folder in which the processes of a run that was killed may still be writing."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
    raise BookError(f"{folder} cannot be deleted; see what writes there, or delete it by hand")
