"""Records of trainings: what was trained, where it came from, and its curves."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from lib import records
from lib.convolutional.profiles import Profile, Task
from lib.convolutional.settings import Settings
from lib.convolutional.training import PARTS, History, data_hash

SCORES = ("compositional", "noncompositional", "digits_right", "number_right")  # as Network.scores


def record(
    name: str,
    profile: Profile,
    histories: dict,
    directory: str | Path | None = None,
    commit: str | None = None,
    options: str = "",
) -> dict:
    """What is written down of a profile: curves with six digits, and where they come from.

    commit: that of the code the runs were started with, by default the present one. options: those of the
    command that change the numbers.
    """
    entries = {}
    for label, case in profile.cases.items():
        history = histories[label]
        draws = sorted(set(history.draws or [case.task.draw]))
        sets = [part for draw in draws for part in replace(case.task, draw=draw).composites(directory)]
        entries[label] = {
            "task": asdict(case.task),
            "settings": case.settings.as_dict(),
            "data_sha256": data_hash(*sets),
            "training_composites": len(sets[0]),
            "test_composites": len(sets[1]),
            "parameters": case.settings.parameters(sets[0].images.shape[1:], case.task.digits),
            "seconds": round(history.seconds, 1),
            "seeds": history.seeds,
            "draws": history.draws or [case.task.draw] * len(history.seeds),
            "epochs": history.epochs.tolist(),
        } | {part: _plain(getattr(history, part)) for part in PARTS}
    command = f"python -m lib.convolutional.experiments {name} {options}".rstrip()
    gpu: dict[str, str | float | None] = {"peak_megabytes_on_gpu": None}
    if torch.cuda.is_available():
        gpu = {"device": torch.cuda.get_device_name()}
        gpu["peak_megabytes_on_gpu"] = torch.cuda.max_memory_allocated() / 2**20
    return {
        "profile": name,
        **records.origin(command, commit, "numpy", "torch"),
        **gpu,
        "runs_in_a_stack": profile.group,
        "cases": entries,
    }


def _plain(scores: np.ndarray) -> dict:
    """Curves (runs, entries, 4) by name, six digits; those that were not measured are left out."""
    named = {name: scores[..., place] for place, name in enumerate(SCORES) if place < scores.shape[2]}
    return {n: records.rounded(curves.tolist()) for n, curves in named.items() if not np.isnan(curves).all()}


def _curves(entry: dict, part: str) -> np.ndarray:
    """(runs, entries, 4), nan where nothing was measured."""
    missing = np.full((len(entry["seeds"]), len(entry["epochs"])), np.nan)
    return np.stack(
        [np.array(entry.get(part, {}).get(name, missing), dtype=float) for name in SCORES], axis=-1
    )


def read(name: str, path: str | Path | None = None) -> tuple:
    """The record of a profile and its histories by case; FileNotFoundError where it is still to be made."""
    path = Path(path) if path else default_path(name)
    content = records.read(path, f"python -m lib.convolutional.experiments {name}")
    histories = {
        label: History.of(
            entry["seeds"],
            np.array(entry["epochs"]),
            [_curves(entry, part) for part in PARTS],
            entry["seconds"],
            draws=entry.get("draws", [0] * len(entry["seeds"])),
        )
        for label, entry in content["cases"].items()
    }
    return content, histories


def recorded(names: Iterable[str]) -> tuple:
    """Those of the profiles that have a record, as read gives them by name, and a list of the others."""
    found, missing = {}, []
    for name in names:
        try:
            found[name] = read(name)
        except FileNotFoundError:
            missing.append(name)
    return found, missing


def differing(content: dict, profile: Profile) -> list:
    """The cases in which a record and a profile differ in task or settings, or which only one of them has."""
    there = {
        name: (Task(**entry["task"]), Settings(**entry["settings"]))
        for name, entry in content["cases"].items()
    }
    here = {name: (case.task, case.settings) for name, case in profile.cases.items()}
    return [name for name in sorted({*here, *there}) if here.get(name) != there.get(name)]


def write(content: dict, path: str | Path | None = None) -> Path:
    """Write a record as a whole, one run's curve a line."""
    path = Path(path) if path else default_path(content["profile"])
    return records.write(content, path, rows=r"\[[^][{}]*]", between=" ")


def default_path(name: str) -> Path:
    return records.RESULTS / f"cmnist_{name.replace('-', '_')}.json"
