"""Record of the networks whose split is learned.

Run it with `python -m lib.convolutional.gates`.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from lib import records
from lib.convolutional.gated import GatedHistory, train
from lib.convolutional.profiles import DIGITS, ON_DIGITS
from lib.convolutional.training import data_hash

SETTINGS = replace(ON_DIGITS, architecture="split", channels=8)
CASES = {"from equal gates": {"gate_rate": 10.0}, "from nearly split": {"gate_rate": 10.0, "start": 3.0}}
PATH = records.RESULTS / "cmnist_gates.json"


def record(seeds: list[int], draws: Sequence[int] = (0, 1, 2)) -> dict:
    """Train every case with every seed on every draw of the composites; curves with six digits."""
    entries: dict[str, dict[str, list]] = {name: {"test": [], "right": [], "apart": []} for name in CASES}
    hashes = []
    for draw in draws:
        training, test = replace(DIGITS, draw=draw).composites()
        hashes.append(data_hash(training, test))
        for name, options in CASES.items():
            rate, start = options["gate_rate"], options.get("start", 0.0)
            history = train(SETTINGS, training, test, seeds, gate_rate=rate, start=start)
            for field, values in entries[name].items():
                values += [np.round(run, 6).tolist() for run in getattr(history, field)]
    return {
        **records.origin("python -m lib.convolutional.gates", None, "numpy", "torch"),
        "task": asdict(DIGITS),
        "settings": SETTINGS.as_dict(),
        "data_sha256": hashes,
        "seeds": list(seeds),
        "draws": list(draws),
        "epochs": history.epochs.tolist(),
        "options": CASES,
        "cases": entries,
    }


def read(path: Path | None = None) -> dict[str, GatedHistory]:
    """GatedHistory by case."""
    content = records.read(path or PATH, "python -m lib.convolutional.gates")
    epochs = np.array(content["epochs"])
    return {
        name: GatedHistory(epochs, *(np.array(entry[field]) for field in ("test", "right", "apart")))
        for name, entry in content["cases"].items()
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    records.write(record([100]), PATH, rows=r"\[[^][{}]*]", between=" ")
    sys.exit(0)
