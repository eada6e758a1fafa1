"""The evidence file: strict types, typed details."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ghmlops.core.details import ImportDetails
from ghmlops.core.details.imported import FailedRequests
from ghmlops.core.evidence.document import Evidence, Provenance, Verdict
from ghmlops.core.model import Outcome

IMPORTED = ImportDetails(
    tool="oha", file="oha.json", requests=None, timed_requests=7, failed_requests=FailedRequests(min=0, max=None)
)
EVIDENCE = Evidence(
    command="import",
    outcome=Outcome.PASS,
    provenance=Provenance(repository="acme/s", head_sha="a" * 40),
    details=IMPORTED,
)


def decode(body: dict[str, Any]) -> Evidence | Verdict:
    """Read a file as the gate reads it."""
    return msgspec.json.decode(msgspec.json.encode(body), type=Evidence | Verdict)


def test_details_read_back_as_their_struct() -> None:
    """The tag `command` selects the struct of the details."""
    body = msgspec.to_builtins(EVIDENCE)
    assert body["details"]["command"] == "import"
    assert decode(body) == EVIDENCE
    body["details"] = None
    assert decode(body) == msgspec.structs.replace(EVIDENCE, details=None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"command": "magic"}, "Invalid value 'magic'"),
        ({"extra": 1}, "unknown field `extra`"),
        ({"timed_requests": "7"}, "Expected `int`"),
        ({"failed_requests": {"min": 0}}, "missing required field `max`"),
    ],
)
def test_details_that_do_not_match_are_refused(change: dict[str, Any], message: str) -> None:
    """An unknown struct or field, a wrong type and a missing field make the file unreadable."""
    body = msgspec.to_builtins(EVIDENCE)
    body["details"] |= change
    with pytest.raises(msgspec.ValidationError, match=message):
        decode(body)


def test_details_are_an_object() -> None:
    """An untagged object is no details."""
    with pytest.raises(msgspec.ValidationError, match=r"details"):
        decode(msgspec.to_builtins(EVIDENCE) | {"details": {"rows": []}})
