"""Searches files that were made from live traffic for secrets and identifiers: names, raw bytes and decoded values."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.harvest.privacy import find_in_value, find_secrets
from ghmlops.measure.predictions.engine.dialect import literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from ghmlops.measure.harvest.log_table import LogTable

_BATCH = 10_000
_PRINTABLE = re.compile(rb"[ -~]{8,}")


def check_file(table: LogTable, path: Path, name: str, identifiers: Collection[str]) -> None:
    """Check a file in the private folder before it is published.

    Args:
        table: connection that can read the private folder.
        path: the file.
        name: name under which it will be published.
        identifiers: identifiers of requests and clients, which may not occur.

    Raises:
        DataError: There is a hit; the message names its kind and never the text.
    """
    check_values(f"the name of {_kind(name)}", [name], identifiers)
    if path.suffix == ".json":
        check_values(name, [msgspec.json.decode(path.read_bytes())], identifiers)
    if path.suffix == ".csv":
        check_values(name, path.read_text(encoding="utf-8").splitlines(), identifiers)
    if path.suffix == ".parquet":
        check_values(name, _parquet_values(table, path), identifiers)
    # Text between the binary parts of the file: metadata, statistics and uncompressed pages.
    words = (match.decode("ascii") for match in _PRINTABLE.findall(path.read_bytes()))
    check_values(f"the bytes of {name}", words if path.suffix != ".parquet" else _texts_of_parquet(words), identifiers)


def check_values(place: str, values: object, identifiers: Collection[str], allowed: Collection[str] = ()) -> None:
    """Check texts or JSON values.

    Args:
        place: what is checked, for the message.
        values: the values.
        identifiers: identifiers of requests and clients, which may not occur.
        allowed: texts that are no secrets although they look like one.

    Raises:
        DataError: There is a hit; the message names its kind and never the text.
    """
    for value in values if not isinstance(values, str) and hasattr(values, "__iter__") else [values]:
        if (kind := next(find_in_value(value, identifiers, allowed), None)) is not None:
            raise DataError(
                f"harvest: {place} would contain a secret or identifier ({kind}); nothing was written",
                hint="take the field out of `keep.fields`, or the value out of the name",
                reason_code="harvest-private",
            )


def _kind(name: str) -> str:
    return f"a {name.rpartition('.')[2]} file"


def _parquet_values(table: LogTable, path: Path) -> Iterator[object]:
    source = f"read_parquet({literal(str(path))})"
    columns = table.rows(f"DESCRIBE SELECT * FROM {source}")  # noqa: S608  (quoted)
    yield [str(name) for name, *_ in columns]
    metadata = table.rows(f"SELECT * FROM parquet_kv_metadata({literal(str(path))})")  # noqa: S608  (quoted)
    yield [str(value) for _, *values in metadata for value in values]
    ((count,),) = table.rows(f"SELECT count(*) FROM {source}")  # noqa: S608  (quoted)
    for start in range(0, int(str(count)), _BATCH):
        for row in table.rows(f"SELECT * FROM {source} LIMIT {_BATCH} OFFSET {start}"):  # noqa: S608  (quoted)
            for value in row:
                yield value
                if isinstance(value, str) and value.startswith(("{", "[")):
                    # A text that only begins like JSON, as the label "[PAD]", was searched as a text.
                    with contextlib.suppress(msgspec.DecodeError, RecursionError):
                        yield msgspec.json.decode(value)


def _texts_of_parquet(words: Iterator[str]) -> Iterator[str]:
    """Yield the words of the bytes without those that compression makes: chance resembles a token, not an address."""
    for word in words:
        if not any(kind != "token" for kind in find_secrets(word)):
            continue
        yield word
