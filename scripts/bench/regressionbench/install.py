"""The peers in an environment of their own, at pinned versions."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ..loadbench.child import BenchError, run
from ..loadbench.peers import cache

PINS = Path(__file__).with_name("requirements.txt")
SECONDS = 1800.0


def folder() -> Path:
    """Return the environment's folder; other pins are another folder."""
    return cache() / f"regression-{hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]}"


def python() -> Path | None:
    """Return the Python of the peers, or `None` where they are not installed."""
    found = folder() / "bin" / "python"
    return found if found.exists() and (folder() / "finished").exists() else None


def version(package: str) -> str:
    """Return the pinned version of a package; empty where it has none."""
    found = re.search(rf"^{re.escape(package)}==([^ \\;]+)", PINS.read_text(), re.MULTILINE)
    return found[1] if found else ""


def install(say: Callable[[str], None]) -> None:
    """Install the peers unless they are there; where that fails, say why: the bench then goes on without them."""
    names = ", ".join(f"{name} {version(name)}" for name in ("datacompy", "pandas", "polars"))
    if python():
        say(f"{names}: there")
        return
    say(f"{names}: installing, may take a minute ...")
    try:
        for step in _steps(folder()):
            done = run(["nice", "-n", "10", *step], timeout=SECONDS)
            if done.code:
                last = (done.err or done.out).strip().splitlines()[-1:] or ["no word"]
                say(f"{names}: skipped, it does not install: {last[0][:200]}")
                return
    except BenchError as error:
        say(f"{names}: skipped, {error}")
        return
    (folder() / "finished").touch()


def _steps(place: Path) -> Sequence[Sequence[str]]:
    place.parent.mkdir(parents=True, exist_ok=True)
    there = place / "bin" / "python"
    checked = ["--quiet", "--require-hashes", "--requirement", str(PINS)]
    if shutil.which("uv"):
        return [
            ["uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(place)],
            ["uv", "pip", "install", "--python", str(there), *checked],
        ]
    return [
        [sys.executable, "-m", "venv", "--clear", str(place)],
        [str(there), "-m", "pip", "install", "--disable-pip-version-check", *checked],
    ]
