"""Reads what rows are generated from: a payload file, a JSON Schema, or an OpenAPI description."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ghmlops.commands.shared.input_paths import input_path
from ghmlops.core.errors import DataError
from ghmlops.core.synthetic.rows.generate import Source
from ghmlops.core.synthetic.rows.profile import profile_of
from ghmlops.core.synthetic.rows.scalars import SchemaError
from ghmlops.core.synthetic.rows.schema import body_schema, is_schema, rows_of
from ghmlops.measure.checkout import fingerprint_of
from ghmlops.measure.requests.payloads import ReadLimits, read_payloads

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.before_traffic.synthetic import Synthetic

MAX_PAYLOAD_ROWS, MAX_PAYLOAD_BYTES = 10_000, 16 << 20
"""Rows and bytes of a payload file that are profiled and resampled."""


def read_source(policy: Synthetic, services: Services, place: tuple[str, str, str], seed: int) -> tuple[Source, str]:
    """Read the rows of an endpoint; return them with their profile, and the fingerprint of the file.

    Args:
        policy: section of the policy.
        services: services of the command.
        place: name of the file, and method and path of the endpoint.
        seed: seed of rows that are generated from a schema.

    Raises:
        DataError: The file cannot be used.
    """
    file, method, path = place
    location = input_path(services, file)
    document = _schema(location)
    if document is None:
        rows, digest = _payload_rows(location, file)
        return Source(rows=rows, profile=profile_of(rows, policy.ranges), private=policy.private), digest
    content, digest = document
    try:
        rows = rows_of(content, body_schema(content, method, path), seed)
        return Source(rows=rows, profile=profile_of(rows, policy.ranges), private=policy.private), digest
    except (SchemaError, AttributeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        # The keywords of an untrusted schema may have values of any type.
        raise DataError(
            f"{file}: no rows can be generated from this schema: {str(error)[:200]}",
            hint="correct the schema, or name a file with recorded bodies in `synthetic.from`",
        ) from None


def _schema(path: Path) -> tuple[dict[str, Any], str] | None:
    """Return the schema that a file `*.json` contains, and its fingerprint; `None` for any other file."""
    if path.suffix.lower() != ".json":
        return None
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_PAYLOAD_BYTES + 1)
        document = json.loads(data)
    except (OSError, ValueError, RecursionError):
        return None  # The reader of payloads reports it, with its line.
    return (document, fingerprint_of(data)) if is_schema(document) else None


def _payload_rows(path: Path, file: str) -> tuple[list[Any], str]:
    payloads = read_payloads(path, file, ReadLimits(rows=MAX_PAYLOAD_ROWS, size=MAX_PAYLOAD_BYTES))
    rows = []
    for index, body in enumerate(payloads.bodies):
        try:
            rows.append(json.loads(body))
        except (ValueError, RecursionError):
            raise DataError(
                f"{payloads.location(index)}: the body is not JSON, so no rows can be generated from it",
                hint="name a file with JSON bodies in `synthetic.from`",
            ) from None
    return rows, payloads.fingerprint
