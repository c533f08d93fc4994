"""Fingerprints of the files in results/: a record in which one digit has changed is another record."""

import hashlib
import json
import os
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[2] / "results"


def fingerprint(record: Path) -> str:
    """The first twelve hexadecimal digits of the SHA-256 of a record's content, whatever its white space."""
    text = record.read_text(encoding="utf-8")
    if record.suffix == ".json":
        text = json.dumps(json.loads(text), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def changed(records: dict[str, str]) -> list[str]:
    """What is wrong with the files named with their fingerprints (directory: ``BOOK_RESULTS`` if set), in words."""
    folder = Path(os.environ.get("BOOK_RESULTS", RESULTS))
    told = []
    for name, expected in records.items():
        path = folder / name
        found = fingerprint(path) if path.is_file() else "no file"
        if found != str(expected):
            told.append(
                f"results/{name}: here {found}, expected {expected}: it is not the record that the expected "
                "numbers were written down from; look at each of them before you write the new fingerprint"
            )
    return told


if __name__ == "__main__":
    for path in sorted(RESULTS.iterdir()):
        print(f'  {path.name}: "{fingerprint(path)}"')
