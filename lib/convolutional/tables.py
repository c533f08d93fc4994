"""Tables of trainings and their records."""

from collections.abc import Iterable

from lib.convolutional.analysis import best, last
from lib.convolutional.training import History


def scores(history: History) -> dict:
    """Means over runs at the end, of the digits and of the number, on new images whose number was seen or not."""
    rows = {}
    for part, name in (("seen", "number seen"), ("unseen", "number not seen"), ("test", "all new images")):
        values = getattr(history, part)[:, -1].mean(axis=0)
        rows[name] = {
            "digits: error": f"{values[0]:.3f}",
            "digits right": f"{values[2]:.1%}",
            "number: error": f"{values[1]:.2f}",
            "numbers right": f"{values[3]:.1%}",
        }
    return rows


def hyperparameters(content: dict) -> dict:
    """What decided about the trainings of a record; where cases differ, every value."""
    tasks, settings = ([entry[part] for entry in content["cases"].values()] for part in ("task", "settings"))
    entry = next(iter(content["cases"].values()))

    def values(dictionaries: list[dict], name: str) -> str:
        found = list(dict.fromkeys(d[name] for d in dictionaries))
        many = f"{len(found)} from {min(found)} to {max(found)}" if len(found) > 4 else ""
        return many or ", ".join(map(str, found))

    channels = dict.fromkeys(f"{s['architecture']} {s['channels']}" for s in settings)
    return {
        "images": values(tasks, "source")
        + (f", pooled {tasks[0]['pooled']}" if tasks[0]["pooled"] > 1 else ""),
        "training": ", ".join(
            dict.fromkeys(str(e["training_composites"]) for e in content["cases"].values())
        ),
        "r": values(tasks, "r"),
        "channels": ", ".join(channels),
        "kernels": "; ".join(dict.fromkeys(_kernels(s["kernels"]) for s in settings)),
        "rate": values(settings, "learning_rate"),
        "epochs": values(settings, "epochs"),
        "std": f"{settings[0]['init_std']}, {settings[0]['readout_std']}",
        "seeds": "–".join(dict.fromkeys(str(end(entry["seeds"])) for end in (min, max))),
        "draws": len(set(entry.get("draws", [0]))),
    }


def _kernels(kernels: Iterable[tuple[int, int]]) -> str:
    return " ".join(f"{rows}×{columns}" for rows, columns in kernels)


def endings(histories: dict) -> dict:
    """Means over runs: compositional test error at the end and at the best moment, digits right, training error."""
    return {
        name: {
            "at the end": last(h).mean(),
            "best moment": best(h).mean(),
            "digits right": h.test[:, -1, 2].mean(),
            "training error": h.train[:, -1, 0].mean(),
        }
        for name, h in histories.items()
    }
