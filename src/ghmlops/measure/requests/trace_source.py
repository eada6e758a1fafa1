"""A recording that is being read, and what its readers share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError, nearest
from ghmlops.measure.requests.local_time import RefusedTimestampError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ghmlops.measure.requests.timestamps import TimestampParser

    Stamp = int | str
    Stamps = Iterator[tuple[int, Stamp]]

REFUSED_HINT = (
    "write ISO 8601 with a time zone, or seconds since 1970; for times without a zone set `zone`, for example "
    "`Europe/Berlin`, or `UTC` if they are in UTC"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A recording that is being read.

    Attributes:
        path: The file.
        display_name: Its name in messages.
        time: Column or key of the timestamps.
        parser: The parser of its timestamps.
        examples: For each reason why a value is no timestamp, the first such value.
    """

    path: Path
    display_name: str
    time: str
    parser: TimestampParser
    examples: dict[str, str] = field(default_factory=dict)

    def stamp(self, number: int, value: object) -> tuple[int, Stamp]:
        """Return the line number with the timestamp of `value`, or with the reason why it has none."""
        entry = attempt(self, number, lambda: self.parser.value(value)) or (number, "null")
        if isinstance(entry[1], str):
            self.examples.setdefault(entry[1], repr(value)[:60])
        return entry


def attempt(source: Source, number: int, parse: Callable[[], int | None]) -> tuple[int, Stamp] | None:
    """Return the line number with what `parse` returns or raises; `None` if the line is no request.

    Raises:
        DataError: The line puts the entire file in doubt.
    """
    try:
        stamp = parse()
    except RefusedTimestampError as error:
        raise DataError(f"{source.display_name}:{number}: {error}", hint=REFUSED_HINT) from None
    except ValueError as error:
        return number, str(error)
    return None if stamp is None else (number, stamp)


def column_hint(time: str, columns: list[str]) -> str:
    return "name the column of the timestamps with `time`; " + nearest(time, columns[:30])
