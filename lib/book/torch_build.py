"""Install the chosen build of PyTorch: ``python torch_build.py cpu torch==2.13.0``, before everything else.

On Linux pip's own is a build for GPUs of several gigabytes; PyTorch's index has one for processors alone. With
the standard library alone, for nothing is installed yet.
"""

import os
import platform
import ssl
import subprocess
import sys
import threading
import urllib.request

INDEX = "https://download.pytorch.org/whl"
PATIENCE = 6.0  # seconds for an index to answer
USUAL = "pip"  # the name of the choice to take what pip finds


def answers(url: str, patience: float = PATIENCE) -> bool:
    """Whether there is an answer from an address within so many seconds, the look-up of its name included."""
    answer = []

    def ask() -> None:
        try:
            context = ssl.create_default_context(cafile=os.environ.get("PIP_CERT"))
            with urllib.request.urlopen(url, timeout=patience, context=context) as page:
                answer.append(page.status)
        except (OSError, ValueError):
            pass

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience)
    return bool(answer)


def command(build: str, requirement: str) -> list[str] | None:
    """What installs the build, None where pip's own is to be taken. SystemExit where a named one is out of reach."""
    if build == USUAL or (build == "cpu" and platform.system() != "Linux"):
        return None
    index = f"{INDEX}/{build}"
    if not answers(f"{index}/torch/"):
        unreached = f"{index} does not answer within {PATIENCE:.0f} seconds, or has no torch"
        if build != "cpu":
            sys.exit(f"error: {unreached}. Choose another build, TORCH=cpu or TORCH={USUAL}")
        print(f"{unreached}: pip takes the build it finds, on Linux often one for GPUs of several gigabytes")
        return None
    return [sys.executable, "-m", "pip", "install", "--no-deps", "--index-url", index, requirement]


def main(build: str, requirement: str) -> None:
    """Install the build, where that is to be done here."""
    if (install := command(build, requirement)) and subprocess.run(install, check=False).returncode:
        sys.exit(
            f"error: {requirement} could not be installed as build {build}; TORCH={USUAL} takes pip's own"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
