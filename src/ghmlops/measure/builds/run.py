"""Running the user's build in a fresh folder: no shell, bounded in time and output, nothing of it left behind."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import ghmlops
from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ghmlops.measure.preview.launch import Supervised

LONGEST = 6 * 3600.0
"""Seconds that one build may take; a job on GitHub may take no longer."""
MOST_OUTPUT = 16 * 1024 * 1024
"""Bytes of output that are kept at a time; of more only the end."""
_KEPT = 64 * 1024
_GRACE = 2.0
PREFIX = "ghmlops-rebuild-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a build ended."""

    problem: str
    """Empty where it ended with exit status 0; else a clause: "ended with exit status 3"."""
    late: bool
    """True where it was ended because its time was over."""
    tail: str
    """End of its output, on one printable line."""
    seconds: float


def words_of(command: str) -> list[str]:
    """Split a command into words as a shell does, without a shell.

    Raises:
        InputError: it is empty, or a quotation is not closed.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"input `rebuild`: {error}: {command[:200]!r}", hint="close the quotation") from None
    if not words or not words[0] or "\x00" in command:
        raise InputError("input `rebuild` is empty", hint='--rebuild "python predict.py"')
    return words


def build_environment(environ: Mapping[str, str], temp: Path) -> dict[str, str]:
    """Return the variables of a build: the step's own, without tokens, with a temporary folder of its own.

    HOME stays, because packages and models are cached there. PYTHONHASHSEED is not set: whether the build depends on
    the order of a set is what is asked. Where the step sets it, the build has it.
    """
    from ghmlops.measure.preview.launch import service_environment

    kept = service_environment(environ, 0)
    if "PORT" in environ:
        kept["PORT"] = environ["PORT"]
    else:
        kept.pop("PORT", None)  # for services only
    return kept | dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(temp))


def run_build(  # noqa: PLR0913  (keywords only; the caller has these values one by one)
    words: list[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    temp: str = "",
    limit: float = LONGEST,
    progress: Callable[[str], None] = lambda _: None,
) -> Ended:
    """Run a build to its end; whatever it started has ended when this returns, on an error and an interrupt too.

    Args:
        words: the command.
        cwd: where it runs.
        environ: the step's variables; `build_environment` makes the build's from them.
        temp: folder for temporary files; the system's where empty.
        limit: seconds until it is ended.
        progress: told that it still runs.

    Raises:
        InputError: there is no place for temporary files, or psutil is not installed.
    """
    from ghmlops.measure.preview.launch import Supervised, log_tail
    from ghmlops.measure.temporary import undisturbed

    if importlib.util.find_spec("psutil") is None:
        raise InputError("--rebuild needs psutil", hint="install the extra: `pip install 'ghmlops[preview]'`")
    try:
        home = Path(tempfile.mkdtemp(prefix=PREFIX, dir=temp or None)).resolve()
    except OSError as error:
        raise InputError(f"no temporary folder: {error.strerror}", hint="set RUNNER_TEMP or TMPDIR") from None
    begun = time.monotonic()
    try:
        folder, private = home / "supervisor", home / "tmp"
        folder.mkdir()
        private.mkdir()
        supervised = Supervised(process=_supervisor(folder), folder=folder)
        try:
            order = {
                "words": words,
                "cwd": str(cwd),
                "environ": build_environment(environ, private),
                "lifetime": limit,
                "grace": _GRACE,
            }
            _give(supervised, order)
            said = _wait(supervised, begun, progress)
        finally:
            with undisturbed():
                supervised.end()
                supervised.forget()
        problem, late = _problem(supervised, folder, said, limit)
        return Ended(
            problem=problem, late=late, tail=log_tail(folder / "log"), seconds=round(time.monotonic() - begun, 1)
        )
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _supervisor(folder: Path) -> subprocess.Popen[bytes]:
    """Start the process that owns the build; it ends everything below it when the build ends, or when we do."""
    from ghmlops.measure.preview.launch import MODULE

    own = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    own["PYTHONPATH"] = str(Path(ghmlops.__file__).parents[1])
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE, str(folder)],
            cwd="/",
            env=own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )


def _give(supervised: Supervised, order: Mapping[str, object]) -> None:
    stream = supervised.process.stdin
    if stream is not None:
        with contextlib.suppress(BrokenPipeError):  # it died at once: `pause` tells
            stream.write(msgspec.json.encode(order) + b"\n")
            stream.flush()


def _wait(supervised: Supervised, begun: float, progress: Callable[[str], None]) -> str:
    """Wait for the end; return what the supervisor says of it."""
    said = ""
    while not supervised.closed:
        news = supervised.pause(0.5)  # also reads on to the end of what the supervisor says
        said = said or news
        progress(f"building for {time.monotonic() - begun:.0f} s")
        _shorten(supervised.folder / "log")
    return said


def _shorten(log: Path) -> None:
    """Keep the end of an output that never ends; it is appended to, so what comes next stands behind."""
    if log.stat().st_size <= MOST_OUTPUT:
        return
    with log.open("r+b") as stream:
        stream.seek(-_KEPT, os.SEEK_END)
        end = stream.read()
        stream.truncate(0)
    with log.open("ab") as stream:
        stream.write(end)


def _problem(supervised: Supervised, folder: Path, said: str, limit: float) -> tuple[str, bool]:
    """Return the clause that says what went wrong, or nothing, and whether the time was over."""
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "lost its supervisor", False
    if state.get("ended") == "lifetime":
        return f"did not end within {limit:,.0f} s", True
    if any(event["event"] == "exited" and event["status"] == 0 for event in supervised.events):
        return "", False
    return said.removesuffix(" before it was ready") or f"was ended ({state.get('ended')})", False
