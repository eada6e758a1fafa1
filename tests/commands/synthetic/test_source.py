"""Where rows come from: hostile schemas are one clear line, hostile payloads are rows."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.commands.synthetic.source import read_source
from ghmlops.core.context import Context
from ghmlops.core.errors import DataError
from ghmlops.core.policy.before_traffic.synthetic import Synthetic
from ghmlops.core.synthetic.rows.profile import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.synthetic.rows.generate import Source

HUGE = "1" + "0" * 400
"""An integer that no float can be; texts name it."""


def source_of(place: Path, name: str, text: str) -> Source:
    (place / name).write_text(text.replace("HUGE", HUGE))
    services = Services(
        context=Context(head_sha="0123456789abcdef0123456789abcdef01234567", repository="acme/scorer"),
        environ={},
        cwd=place,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )
    return read_source(Synthetic(), services, (name, "POST", "/predict"), 1)[0]


def described(schema: str) -> str:
    """Return a schema of an object with one field."""
    return '{"type": "object", "required": ["x"], "properties": {"x": SCHEMA}}'.replace("SCHEMA", schema)


@pytest.mark.parametrize(
    "schema",
    [
        '{"type": "number", "minimum": NaN}',
        '{"type": "number", "maximum": 1e999}',
        '{"type": "integer", "minimum": HUGE}',
        '{"enum": [HUGE]}',
        '{"const": NaN}',
        '{"type": "string", "minLength": 100000}',
        '{"type": "string", "minLength": HUGE}',
        '{"type": "array", "items": {"type": "integer"}, "minItems": HUGE}',
        '{"type": [[]]}',
        '{"allOf": [{"properties": 1}]}',
        '{"allOf": [{"required": 1}]}',
        '{"allOf": [{"properties": {"a": 1}}, {"properties": []}]}',
        '{"$ref": "#/properties/x"}',
        '{"anyOf": [{"$ref": "#/properties/x"}]}',
        '{"allOf": [{"$ref": "#/properties/x"}]}',
        '{"type": "object", "properties": []}',
    ],
)
def test_a_hostile_schema_is_one_line(tmp_path: Path, schema: str) -> None:
    """It names the file, and no traceback and no endless walk follows."""
    with pytest.raises(DataError) as refused:
        source_of(tmp_path, "schema.json", described(schema))
    text = str(refused.value)
    assert text.startswith("schema.json: ")
    assert "\n" not in text
    assert len(text) < 400


def test_the_widest_range_of_a_schema(tmp_path: Path) -> None:
    """Its rows have finite numbers."""
    source = source_of(
        tmp_path, "schema.json", described('{"type": "number", "minimum": -1.79e308, "maximum": 1.79e308}')
    )
    assert source.profile.fields["x"].kind is Kind.NUMBER


@pytest.mark.parametrize("row", ['{"x": HUGE}', '{"x": -HUGE}', '{"x": 1.5}\n{"x": HUGE}'])
def test_payloads_of_numbers_beyond_every_float(tmp_path: Path, row: str) -> None:
    """They are legal JSON: the rows are sent, and the field is not varied."""
    source = source_of(tmp_path, "rows.jsonl", f"{row}\n")
    assert source.profile.fields["x"].kind is Kind.OTHER
