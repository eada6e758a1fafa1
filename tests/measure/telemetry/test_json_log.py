"""Lines of the JSON log."""

from __future__ import annotations

import pytest

from ghmlops.measure.telemetry.json_log import parse_json


@pytest.mark.parametrize(("status", "failed"), [(200, False), (404, False), (500, True), (0, True)])
def test_a_request(status: int, failed: bool) -> None:
    """Arrival, arm and seconds are taken as they are."""
    request = parse_json(f'{{"at": 1.5, "arm": "candidate", "seconds": 0.25, "status": {status}}}')
    assert request is not None
    assert (request.at, request.server, request.seconds, request.failed) == (1.5, "candidate", 0.25, failed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "1",
        "null",
        '{"at": 1, "arm": "candidate", "seconds": 1}',
        '{"at": "1", "arm": "candidate", "seconds": 1, "status": 200}',
        '{"at": NaN, "arm": "candidate", "seconds": 1, "status": 200}',
        '{"at": 1e400, "arm": "candidate", "seconds": 1, "status": 200}',
        '{"at": true, "arm": "candidate", "seconds": 1, "status": 200}',
        '{"at": 1, "arm": 7, "seconds": 1, "status": 200}',
        "[" * 100_000,
    ],
)
def test_lines_that_are_no_request(text: str) -> None:
    """They are counted as unreadable, never as a good request."""
    assert parse_json(text) is None
