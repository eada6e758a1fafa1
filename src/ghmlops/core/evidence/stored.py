"""Evidence on a branch: the paths of the files of a run, for servers without artifacts. No I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

BRANCH = "ghmlops-evidence"
"""Default name of the branch that contains the evidence of runs."""
MAX_FILES = 500
"""Files of one run."""
MAX_BYTES = 256 * 1024**2
"""Bytes of all files of one run."""
KEPT_RUNS = 500
"""Runs whose evidence stays on the branch; the newest ones by their id, which GitHub increments."""
_FOLDER, _NAME = r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,99}/)?", r"[A-Za-z0-9][A-Za-z0-9._-]{0,194}\.json"
_PATH = re.compile(rf"runs/([1-9][0-9]{{0,17}})/([1-9][0-9]{{0,5}})/({_FOLDER})({_NAME})")


class StoredFile(NamedTuple):
    """The place of one evidence file on the branch."""

    run_id: int
    attempt: int
    folder: str
    """Name of the folder of a leg, as the shared path has it; empty for the path itself."""
    name: str


def stored_path(run_id: int, attempt: int, file: str) -> str:
    """Return the path of a file of the shared path (`<file>` or `<folder>/<file>`) on the branch."""
    return f"runs/{run_id}/{attempt}/{file}"


def parse_path(path: str) -> StoredFile | None:
    """Return the place that a path names; `None` if no evidence is stored under such a path."""
    match = _PATH.fullmatch(path)
    return StoredFile(int(match[1]), int(match[2]), match[3].rstrip("/"), match[4]) if match else None


def superseded_runs(paths: Iterable[str], limit: int = KEPT_RUNS) -> list[str]:
    """Return the paths of the runs beyond the newest ones, so that the branch does not grow without end."""
    places = {path: place for path in paths if (place := parse_path(path))}
    newest = set(sorted({place.run_id for place in places.values()}, reverse=True)[:limit])
    return sorted(path for path, place in places.items() if place.run_id not in newest)
