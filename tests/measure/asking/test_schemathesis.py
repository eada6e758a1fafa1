"""Schemathesis as a process: descriptions that lead elsewhere, runs that are cut off, and what it cannot read."""

from __future__ import annotations

import json

import pytest

from ghmlops.core.errors import DataError
from ghmlops.measure.asking.schemathesis import Run, read_description, require_package, run_schemathesis

DESCRIPTION = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}}


def run_of(description: object, **more: float) -> Run:
    return Run(
        description=json.dumps(description).encode(),
        examples=1,
        exclude=(),
        headers={"x-tenant": 'a"b'},
        timeout=1.0,
        budget=more.get("budget", 60.0),
        seed=1,
    )


@pytest.mark.parametrize(
    "document",
    [
        {"$ref": "other.json#/a"},
        {"paths": {"/a": [{"$ref": "http://127.0.0.1/x"}]}},
        {"components": {"a": {"b": [[{"$ref": "/etc/passwd"}]]}}},
    ],
)
def test_a_description_must_not_lead_elsewhere(document: dict[str, object]) -> None:
    """Neither to a file nor to a host, and not with an escaped key."""
    data = json.dumps(DESCRIPTION | document).replace("$ref", "\\u0024ref").encode()
    with pytest.raises(DataError, match="another document"):
        read_description(data, "openapi.json")


@pytest.mark.parametrize("data", [b"", b"\xff", b"openapi: 3.1.0", b"[" * 100_000, b"[]", b"{}", b'{"type": "object"}'])
def test_what_is_no_description_is_refused(data: bytes) -> None:
    """One line that names the file."""
    with pytest.raises(DataError, match=r"openapi\.json") as caught:
        read_description(data, "openapi.json")
    assert "\n" not in str(caught.value)


def test_a_description_is_passed_on_without_repeated_keys() -> None:
    """What was checked is what Schemathesis reads."""
    data = b'{"openapi": "3.1.0", "a": {"$ref": "x"}, "a": {"$ref": "#/b"}}'
    assert json.loads(read_description(data, "openapi.json")) == {"openapi": "3.1.0", "a": {"$ref": "#/b"}}


def test_a_run_without_a_report_says_why() -> None:
    """A run that is stopped at once has none, and passes nothing."""
    require_package()
    with pytest.raises(DataError, match="no report"):
        run_schemathesis("http://127.0.0.1:9", run_of(DESCRIPTION, budget=0.01))
