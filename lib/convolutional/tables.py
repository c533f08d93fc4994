"""Tables of trainings and their records."""

from collections.abc import Iterable

from lib.convolutional.analysis import best, last
from lib.convolutional.training import History


def percent(share: float) -> str:
    """A share as one writes it in a text."""
    return f"{100 * share:.1f}\u202f%"


def scores(history: History) -> dict:
    """Means over runs at the end, of the digits and of the number, on new images whose number was seen or not."""
    rows = {}
    for part, name in (("seen", "number seen"), ("unseen", "number not seen"), ("test", "all new images")):
        values = getattr(history, part)[:, -1].mean(axis=0)
        rows[name] = {
            "digits: error": f"{values[0]:.3f}",
            "digits right": percent(values[2]),
            "number: error": f"{values[1]:.2f}",
            "numbers right": percent(values[3]),
        }
    return rows


SOURCES = {
    "digits": ("scikit-learn", 8),
    "mnist": ("MNIST", 28),
    "fashion-mnist": ("Fashion-MNIST", 28),
}  # side


def hyperparameters(content: dict) -> dict:
    """What decided about the trainings of a record; where cases differ, every value."""
    cases = content["cases"].values()
    tasks, settings = ([entry[part] for entry in cases] for part in ("task", "settings"))
    entry = next(iter(cases))
    names = _listed(SOURCES[task["source"]][0] for task in tasks)
    pooled = tasks[0]["pooled"]
    pixels = SOURCES[tasks[0]["source"]][1] // pooled
    channels = dict.fromkeys(f"{s['architecture']}\u00a0{s['channels']}" for s in settings)
    rates: dict[str, list] = {}
    for one in settings:
        rates.setdefault(one.get("optimiser", "sgd"), []).append(one["learning_rate"])
    return {
        "digits": names + (f", {pixels}\u00a0×\u00a0{pixels}\u00a0pixels" if pooled > 1 else ""),
        "training images": _listed(e["training_composites"] for e in cases),
        "r": _listed(f"{task['r']:g}" for task in tasks).replace(" ", "\u00a0"),
        "channels": ", ".join(channels),
        "kernels": "; ".join(dict.fromkeys(_kernels(s["kernels"]) for s in settings)),
        "learning rate": "; ".join(
            ("Adam: " if name == "adam" else "") + _listed(found) for name, found in rates.items()
        ),
        "epochs": _listed(one["epochs"] for one in settings),
        "std of kernels, readout": f"{settings[0]['init_std']}, {settings[0]['readout_std']}",
        "seeds": "–".join(dict.fromkeys(str(end(entry["seeds"])) for end in (min, max))),
        "draws": len(set(entry.get("draws", [0]))),
    }


def _listed(values: Iterable) -> str:
    """Each value once; of many only how many there are and their range."""
    found = list(dict.fromkeys(values))
    return f"{len(found)} in {min(found)}–{max(found)}" if len(found) > 4 else ", ".join(map(str, found))


def _kernels(kernels: Iterable[tuple[int, int]]) -> str:
    return " ".join(f"{rows}×{columns}" for rows, columns in kernels)


def endings(histories: dict) -> dict:
    """Means over runs: compositional test error at the end and at its best moment, digits right, training error."""
    return {
        name: {
            "at the end": f"{last(h).mean():.3f}",
            "best moment": f"{best(h).mean():.3f}",
            "digits right": percent(h.test[:, -1, 2].mean()),
            "training error": f"{h.train[:, -1, 0].mean():.3f}",
        }
        for name, h in histories.items()
    }
