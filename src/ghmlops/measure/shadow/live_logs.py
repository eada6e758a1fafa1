"""Reads logs of answers: JSON lines of a router, or a folder with traces of Envoy's tap filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.core.shadow.joined import ArmLog
from ghmlops.core.shadow.logged import parse_logged
from ghmlops.measure.requests.lines import MAX_LINE, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_ROWS = 100_000
"""Answers per log that are read, as of a recording."""
MAX_BYTES = 256 * 1024 * 1024
"""Bytes per log that are read; the answers stay in memory until all logs are read."""


def read_log(path: Path, name: str, id_name: str) -> ArmLog:
    """Return the answers of a log.

    Args:
        path: a file with one JSON object per line, or a folder with one trace per file.
        name: its name, for messages.
        id_name: key or header with the id of the request.

    Raises:
        DataError: The log is missing, unreadable, or contains no answer.
    """
    log, size = ArmLog(), 0
    try:
        for number, data in traces(path) if path.is_dir() else read_lines(path, name):
            size += len(data)
            if len(log.rows) + len(log.unreadable) == MAX_ROWS or size > MAX_BYTES:
                log.truncated = True
                break
            answer = parse_logged(data, id_name)
            if isinstance(answer, str):
                log.unreadable[number] = answer
            else:
                log.rows.append((number, answer))
    except OSError as error:
        raise DataError(f"{name}: {error.strerror}", hint="check `shadow.access-logs`") from None
    if not log.rows:
        reason = next(iter(log.unreadable.values()), "it is empty")
        raise DataError(
            f"{name}: the log contains no answer with the request id `{id_name}` ({reason})",
            hint="write it in a format of actions/shadow/README.md#live-traffic",
        )
    return log


def traces(folder: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the traces of a folder; one that is too long is yielded in part, and is therefore unreadable."""
    for number, file in enumerate(sorted(folder.glob("*.json")), 1):
        with file.open("rb") as stream:
            yield number, stream.read(2 * MAX_LINE)
