"""What the commands that make records have in common: their options, the seeds, the file."""

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from lib.arguments import check_seeds


def parser(module: str, description: str, profiles, first_seed: int) -> argparse.ArgumentParser:
    """The options of every such command."""
    made = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    made.add_argument("name", help=", ".join(profiles))
    made.add_argument("--runs", type=int, help="number of runs (default: the profile's)")
    made.add_argument(
        "--first-seed", type=int, default=first_seed, help=f"seed of the first run (default: {first_seed})"
    )
    made.add_argument("--out", help="the record's file (default: in results/)")
    made.add_argument("--checkpoints", help="folder to go on from (default: in _build/checkpoints/)")
    made.add_argument("--threads", type=int, help="threads of this process (default: all processors)")
    made.add_argument("--quiet", action="store_true", help="no progress bar")
    return made


def run(parser: argparse.ArgumentParser, arguments, command: Callable) -> int:
    """Do what the arguments ask for; what a user can have caused becomes a line and the status 1."""
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        return command(options)
    except (ValueError, OSError) as error:
        print(f"{options.name}: {error}", file=sys.stderr)
        return 1


def seeds(options, profile) -> list:
    """The seeds that the options ask for, by default as many as the profile has runs."""
    count = profile.seeds if options.runs is None else options.runs
    return check_seeds(range(options.first_seed, options.first_seed + count))


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
