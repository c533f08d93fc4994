"""Where and when a number was measured: processor, versions, commit, date. No name of a machine or person."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def processor() -> str:
    """The processor's name as the system gives it, and how many are there."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = [line for line in info.read_text(encoding="utf-8").splitlines() if "model name" in line]
        name = lines[0].split(":", 1)[1].strip() if lines else name
    return f"{name} ({platform.machine()}, {os.cpu_count()} logical)"


def peak_megabytes() -> float | None:
    """The most memory this process has held so far, None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)


def today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")


def versions(*packages: str) -> dict:
    return {"python": platform.python_version()} | {package: version(package) for package in packages}


def commit() -> str:
    """The commit of the repository, marked if tracked files differ from it; "unknown" outside of git."""
    root = Path(__file__).resolve().parents[1]
    try:
        head, changes = (
            subprocess.run(
                ["git", *words], cwd=root, capture_output=True, text=True, check=True
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + (" with changes" if changes else "")
