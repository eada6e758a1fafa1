"""Installs the other tools into a separate environment at pinned versions."""

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
    """Return the folder of the environment, which depends on the pins."""
    return cache() / f"regression-{hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]}"


def python() -> Path | None:
    """Return the Python of the peers, or `None` if they are not installed."""
    path = folder() / "bin" / "python"
    return path if path.exists() and (folder() / "finished").exists() else None


def version(package: str) -> str:
    """Return the pinned version of a package; empty if it is not pinned."""
    match = re.search(rf"^{re.escape(package)}==([^ \\;]+)", PINS.read_text(), re.MULTILINE)
    return match[1] if match else ""


def install(say: Callable[[str], None]) -> None:
    """Install the peers unless they are installed; report a failure, after which the benchmark runs without them."""
    names = ", ".join(f"{name} {version(name)}" for name in ("datacompy", "pandas", "polars"))
    if python():
        say(f"{names}: installed")
        return
    say(f"{names}: installing, may take a minute ...")
    try:
        for step in _steps(folder()):
            done = run(["nice", "-n", "10", *step], timeout=SECONDS)
            if done.code:
                last = (done.err or done.out).strip().splitlines()[-1:] or ["no output"]
                say(f"{names}: skipped, the installation failed: {last[0][:200]}")
                return
    except BenchError as error:
        say(f"{names}: skipped, {error}")
        return
    (folder() / "finished").touch()


def _steps(environment: Path) -> Sequence[Sequence[str]]:
    environment.parent.mkdir(parents=True, exist_ok=True)
    interpreter = environment / "bin" / "python"
    checked = ["--quiet", "--require-hashes", "--requirement", str(PINS)]
    if shutil.which("uv"):
        return [
            ["uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)],
            ["uv", "pip", "install", "--python", str(interpreter), *checked],
        ]
    return [
        [sys.executable, "-m", "venv", "--clear", str(environment)],
        [str(interpreter), "-m", "pip", "install", "--disable-pip-version-check", *checked],
    ]
