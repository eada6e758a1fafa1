"""Replaces the values of private columns by numbered labels before anything is judged, so that nothing can report them.

The same value has the same label in every data set and table of a run. Labels are numbered in the order of the SHA-256
of the values, which shows neither their order nor which of them are alike, and repeats for the same data.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.errors import GhmlopsError
from ghmlops.core.predictions.behaviour.distribution import OTHERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ghmlops.core.paired.aggregates import CellTable, Key
    from ghmlops.core.predictions.behaviour.distribution import Distribution
    from ghmlops.core.predictions.contract.facts import SchemaFacts
    from ghmlops.core.predictions.observation import Observation

_WITHHELD = "the message of the engine is not shown, because it may contain a value and the policy has private columns"
"""Stands for the text of an engine's error."""
_ENGINE_TEXT = re.compile(
    r"(a value cannot be used: |a prediction artifact cannot be read: |ran out of memory or disk: |query finished: "
    r"|DuckDB cannot represent: |by this version of DuckDB: |column \"[^\"]*\" cannot be read: "
    r"|exported to Arrow: |has no type in Parquet: |: column \"[^\"]*\": ).*",
    re.DOTALL,
)
"""What our messages say before they quote an engine or a library, which may quote a value."""


class _Labels:
    """The label of each value of one column."""

    def __init__(self, values: Iterable[object]) -> None:
        texts = {_text(value) for value in values if value is not None}
        self._labels = {text: number for number, text in enumerate(sorted(texts, key=_digest), 1)}

    def label(self, value: object) -> str | None:
        """Return the label of a value; null is no value, and a new value receives the next number."""
        if value is None:
            return None
        return f"private {self._labels.setdefault(_text(value), len(self._labels) + 1)}"


def mask_private(observations: Sequence[Observation], private: Sequence[str]) -> list[Observation]:
    """Return the observations with a label in place of each value of a private column; null remains null.

    Numeric features keep the edges of their bins, which their distances are computed from; `is_private` tells that the
    edges must not be reported.
    """
    if not private:
        return list(observations)
    labels = {column: _Labels(_values(observations, column)) for column in private}
    return [_mask_observation(observation, labels) for observation in observations]


@contextlib.contextmanager
def withheld_values(private: Sequence[str]) -> Iterator[None]:
    """Remove from the message of an error what may contain a value of a private column."""
    try:
        yield
    except GhmlopsError as error:
        error.message = redact_message(error.message, private)
        error.args = (error.message,)
        raise


def redact_message(text: str, private: Sequence[str]) -> str:
    """Return a message without the text of an engine, and with `***` as the value of a private partition folder."""
    if not private:
        return text
    text = _ENGINE_TEXT.sub(lambda match: match[1] + _WITHHELD, text)
    for column in private:
        text = re.sub(rf"(?<![^/\s(]){re.escape(column)}=[^/\n)]*", f"{column}=***", text, flags=re.IGNORECASE)
    return text


def _text(value: object) -> str:
    """Return a value as the engines write it, so that a number or boolean has one label wherever it occurs."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _values(observations: Sequence[Observation], column: str) -> Iterator[object]:
    """Yield the values of a column in the tables and distributions of all data sets and their noise floors."""
    for observation in observations:
        noise = observation.noise.subgroups if observation.noise else None
        for part in (observation, noise) if noise else (observation,):
            for columns, table in part.tables.items():
                if column in columns:
                    index = columns.index(column)
                    yield from (key[index] for key in table.keys)
                    yield from (key[index] for key, _ in table.missing_cells)
        for distribution in observation.features:
            if distribution.column == column:
                yield from (value for value in distribution.values if value != OTHERS)
                yield from (_number(sentinel.value) for sentinel in distribution.sentinels)


def _mask_observation(observation: Observation, labels: Mapping[str, _Labels]) -> Observation:
    noise = observation.noise
    if noise is not None and noise.subgroups is not None:
        noise = msgspec.structs.replace(noise, subgroups=_mask_observation(noise.subgroups, labels))
    return msgspec.structs.replace(
        observation,
        tables={columns: _mask_table(columns, table, labels) for columns, table in observation.tables.items()},
        features=tuple(_mask_distribution(one, labels) for one in observation.features),
        changed_rows=[_mask_row(row, labels) for row in observation.changed_rows],
        noise=noise,
        facts=msgspec.structs.replace(observation.facts, schema=_mask_schema(observation.facts.schema, tuple(labels))),
    )


def _mask_schema(schema: SchemaFacts, private: Sequence[str]) -> SchemaFacts:
    return msgspec.structs.replace(schema, set_aside=tuple(redact_message(why, private) for why in schema.set_aside))


def _mask_table(columns: Sequence[str], table: CellTable, labels: Mapping[str, _Labels]) -> CellTable:
    if not set(columns) & labels.keys():
        return table

    def mask(key: Key) -> Key:
        return tuple(labels[c].label(v) if c in labels else v for c, v in zip(columns, key, strict=True))

    return msgspec.structs.replace(
        table, keys=[mask(key) for key in table.keys], missing_cells=[(mask(key), n) for key, n in table.missing_cells]
    )


def _mask_distribution(distribution: Distribution, labels: Mapping[str, _Labels]) -> Distribution:
    if distribution.column not in labels:
        return distribution
    of = labels[distribution.column]
    return msgspec.structs.replace(
        distribution,
        is_private=True,
        values=tuple(value if value == OTHERS else str(of.label(value)) for value in distribution.values),
        sentinels=tuple(
            msgspec.structs.replace(sentinel, label=str(of.label(_number(sentinel.value))))
            for sentinel in distribution.sentinels
        ),
    )


def _number(value: float) -> int | float:
    """Return a whole number as an integer, as the engines write it in an integer column."""
    return int(value) if value.is_integer() else value


def _mask_row(row: Mapping[str, Any], labels: Mapping[str, _Labels]) -> dict[str, Any]:
    return {column: labels[column].label(value) if column in labels else value for column, value in row.items()}
