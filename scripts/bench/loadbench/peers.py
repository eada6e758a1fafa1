"""The other tools: their versions, and how each is installed if its toolchain is available."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from . import child
from .child import BenchError

BUILD_SECONDS = 3600.0
LOCUST_PINS = Path(__file__).with_name("locust.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A load tool at a pinned version.

    Attributes:
        needs: Program that installs it.
        steps: Commands that install it into a folder, as `bin/<name>`.
    """

    name: str
    version: str
    needs: str
    steps: Callable[[Path], list[list[str]]]


def _go(module: str, version: str) -> Callable[[Path], list[list[str]]]:
    return lambda folder: [["env", f"GOBIN={folder / 'bin'}", "go", "install", f"{module}@{version}"]]


def _cargo(crate: str, version: str) -> Callable[[Path], list[list[str]]]:
    return lambda folder: [["cargo", "install", "--locked", "--root", str(folder), f"{crate}@{version}"]]


def _locust(folder: Path) -> list[list[str]]:
    python = folder / "bin" / "python"
    if shutil.which("uv"):
        return [
            ["uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
            ["uv", "pip", "install", "--quiet", "--python", str(python), "--requirement", str(LOCUST_PINS)],
        ]
    return [
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(LOCUST_PINS)],
    ]


PEERS = (
    Peer(name="wrk", version="4.1", needs="wrk", steps=lambda _: []),
    Peer(name="hey", version="v0.1.5", needs="go", steps=_go("github.com/rakyll/hey", "v0.1.5")),
    Peer(name="vegeta", version="v12.13.0", needs="go", steps=_go("github.com/tsenart/vegeta/v12", "v12.13.0")),
    Peer(name="fortio", version="v1.68.2", needs="go", steps=_go("fortio.org/fortio", "v1.68.2")),
    Peer(name="k6", version="v1.8.1", needs="go", steps=_go("go.k6.io/k6", "v1.8.1")),
    Peer(name="oha", version="1.16.0", needs="cargo", steps=_cargo("oha", "1.16.0")),
    Peer(name="locust", version="2.47.0", needs=sys.executable, steps=_locust),
    Peer(name="wrk2", version="", needs="wrk2", steps=lambda _: []),
)
"""wrk and wrk2 are taken from PATH: wrk comes with the system, wrk2 has no release that a package tool could fetch."""


def cache() -> Path:
    """Return the folder in which the benchmark builds programs."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "ghmlops" / "tools" / "bench"


def installed(peer: Peer) -> Path | None:
    """Return the program of a peer, or `None` if it is not installed."""
    if not peer.steps(Path()):
        path = shutil.which(peer.name)
        return Path(path) if path else None
    folder = cache() / f"{peer.name}-{peer.version}"
    program = folder / "bin" / peer.name
    return program if program.exists() and not (folder / "unfinished").exists() else None


def install(names: Iterable[str], say: Callable[[str], None]) -> None:
    """Install the missing peers of `names`, and report which are skipped and why. A build may take minutes."""
    for peer in (peer for peer in PEERS if peer.name in names):
        if installed(peer):
            say(f"{peer.name} {peer.version}: installed")
        elif not peer.steps(Path()):
            say(f"{peer.name}: skipped, it is not on PATH")
        elif shutil.which(peer.needs) is None:
            say(f"{peer.name} {peer.version}: skipped, {peer.needs} is not installed")
        else:
            say(f"{peer.name} {peer.version}: installing by {Path(peer.needs).name}, may take minutes ...")
            try:
                _build(peer)
            except BenchError as error:
                say(f"{peer.name} {peer.version}: skipped, {error}")


def _build(peer: Peer) -> None:
    folder = cache() / f"{peer.name}-{peer.version}"
    folder.mkdir(parents=True, exist_ok=True)
    steps = peer.steps(folder)
    for index, step in enumerate(steps):
        done = child.run(["nice", "-n", "10", *step], timeout=BUILD_SECONDS)
        if done.code:
            last = (done.err or done.out).strip().splitlines()[-1:] or ["no output"]
            raise BenchError(f"its installation failed: {last[0][:200]}")
        if index + 1 < len(steps):
            (folder / "unfinished").touch()
    (folder / "unfinished").unlink(missing_ok=True)
