"""Records: the options of the commands that make them, the file, and what they came from.

No name of a machine or person is written down.
"""

import argparse
import hashlib
import json
import math
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

import torch

from lib.validation import check_seeds

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"


class Cluster(Protocol):
    """What is used here of a dask.distributed Client."""

    def submit(self, function: Callable, /, *arguments: object, pure: bool) -> object: ...

    def gather(self, futures: list) -> list: ...


def parser(
    module: str, description: str, profiles: Iterable[str], first_seed: int
) -> argparse.ArgumentParser:
    """The options of every such command."""
    made = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        epilog="profiles:\n" + "".join(f"  {name}\n" for name in profiles),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("name", nargs="?", metavar="profile", help="one of those named below")
    made.set_defaults(profiles=tuple(profiles))
    made.add_argument("--runs", type=int, help="number of runs (default: the profile's)")
    made.add_argument(
        "--first-seed", type=int, default=first_seed, help=f"seed of the first run (default: {first_seed})"
    )
    made.add_argument("--out", help="the record's file (default: in results/)")
    made.add_argument("--checkpoints", help="folder to go on from (default: in _build/checkpoints/)")
    made.add_argument("--threads", type=int, help="threads of this process (default: all processors)")
    made.add_argument("--quiet", action="store_true", help="no progress bar")
    return made


def run(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    command: Callable[[argparse.Namespace], int],
) -> int:
    """Do what the arguments ask for; what a user can have caused becomes a line and the status 1."""
    options = parser.parse_args(arguments)
    if options.name is None:
        print(f"Name a profile: {parser.prog} {options.profiles[0]}. There are", file=sys.stderr)
        print("".join(f"  {name}\n" for name in options.profiles), file=sys.stderr, end="")
        return 1
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        return command(options)
    except (ValueError, OSError) as error:
        print(f"{options.name}: {error}", file=sys.stderr)
        return 1


@contextmanager
def client(address: str | None) -> Iterator[Cluster | None]:
    """A Dask client of the scheduler at this address, or None without one; ValueError where Dask is missing."""
    if not address:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise ValueError(
            "--scheduler needs dask.distributed, which is not installed: pip install dask distributed"
        ) from None
    with Client(address) as found:
        yield found


def seeds(options: argparse.Namespace, usual: int) -> list[int]:
    """The seeds that the options ask for; usual: how many there are by default."""
    count = usual if options.runs is None else options.runs
    return check_seeds(range(options.first_seed, options.first_seed + count))


def spread(
    function: Callable, jobs: Sequence[tuple], workers: int = 1, cluster: Cluster | None = None
) -> list:
    """What a function gives for each tuple of arguments, in order: here, in several processes, or over a cluster.

    Processes, since threads would wait for each other between the many short operations of a step.
    """
    if cluster is not None:
        return cluster.gather([cluster.submit(function, *job, pure=False) for job in jobs])
    if min(workers, len(jobs)) < 2:
        return [function(*job) for job in jobs]
    threads = (torch.get_num_threads(),)
    with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads, threads) as pool:
        return list(pool.map(function, *zip(*jobs)))


def kept(folder: Path, decisive: object, make: Callable[[], dict]) -> dict:
    """What an earlier run has made of all that is decisive and kept in the folder; else it is made now, and kept."""
    key = hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:16]
    path = folder / f"measured-{key}.json"
    if not path.is_file():
        part = path.with_suffix(".part")
        part.write_text(json.dumps(make()), encoding="utf-8")
        part.replace(path)
    return json.loads(path.read_text(encoding="utf-8"))


def rounded(found: dict | list | float) -> dict | list | float | None:
    """Numbers with six digits, nan as None, inside dictionaries and lists too."""
    if isinstance(found, dict):
        return {key: rounded(value) for key, value in found.items()}
    if isinstance(found, list):
        return [rounded(value) for value in found]
    return None if math.isnan(found) else float(f"{found:.6g}")


def origin(command: str, started_from: str | None, *packages: str) -> dict:
    """Where a record comes from. started_from: the commit its runs were started with, by default the present one."""
    return {
        "command": command,
        "date": today(),
        "commit": started_from or commit(),
        "device": processor(),
        "threads": torch.get_num_threads(),
        "peak_megabytes": peak_megabytes(),
        "versions": versions(*packages),
    }


def read(path: Path, command: str) -> dict:
    """A record; FileNotFoundError, with the command that makes it, where there is none."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there yet: make it with `{command}`")
    return json.loads(path.read_text(encoding="utf-8"))


def write(content: dict, path: Path, rows: str, between: str) -> Path:
    """Write a record as a whole. What matches `rows` becomes one line, with `between` for white space."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    text = re.sub(rows, lambda row: between.join(row.group().split()), text)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)
    return path


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
    try:
        head, changes = (
            subprocess.run(
                ["git", *words], cwd=ROOT, capture_output=True, text=True, check=True
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + (" with changes" if changes else "")
