"""Records of measurements: a JSON file in results/ with all that is needed to judge and to repeat them.

Import this module before numpy: it pins the linear algebra to one thread.
"""

import os

THREADS = 1
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[variable] = str(THREADS)

import json  # noqa: E402
import re  # noqa: E402
from pathlib import Path  # noqa: E402

from lib.records import processor, today, versions  # noqa: E402

RESULTS = Path(__file__).resolve().parents[1] / "results"


def write(name: str, command: str, settings: dict, results: dict, packages: tuple = ()) -> None:
    """Write results/<name>.json and say so; packages: those beside numpy whose versions matter."""
    content = {
        "command": command,
        "date": today(),
        "processor": processor(),
        "threads": THREADS,
        "versions": versions("numpy", *packages),
        "settings": settings,
        "results": results,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    text = json.dumps(content, indent=1, ensure_ascii=False)
    text = re.sub(r"\[[^][{}]*]", lambda row: " ".join(row.group().split()), text)  # a row of numbers a line
    path.write_text(text + "\n", encoding="utf-8")
    print(f"{processor()}, {THREADS} thread; written to {path.relative_to(RESULTS.parent)}")
