"""Archives of requests can be read again."""

from __future__ import annotations

import json
from pathlib import Path

from ghmlops.core.answers.har import MAX_ENTRIES, HarRequest, write_har
from ghmlops.measure.shadow.recordings import read_har

STARTED = "2026-03-04T12:00:00+00:00"


def test_an_archive_is_read_again(tmp_path: Path) -> None:
    """Method, path with its query, and body come back; a request without a body has no `postData`."""
    requests = [
        HarRequest("POST", "http://127.0.0.1:1/p?a=1&b=", b'{"x": "\xc3\xa9"}', "application/json", "case 1"),
        HarRequest("GET", "http://127.0.0.1:1/q", None, "application/json", "case 2"),
    ]
    (tmp_path / "x.har").write_bytes(write_har(requests, STARTED))
    rows = read_har(tmp_path / "x.har", "x.har").requests
    assert [(row.method, row.path, row.body) for row in rows] == [
        ("POST", "/p?a=1&b=", b'{"x": "\xc3\xa9"}'),
        ("GET", "/q", None),
    ]
    entry = json.loads((tmp_path / "x.har").read_bytes())["log"]["entries"][0]
    assert entry["request"]["queryString"] == [{"name": "a", "value": "1"}, {"name": "b", "value": ""}]
    assert (entry["startedDateTime"], entry["comment"]) == (STARTED, "case 1")


def test_an_archive_is_bounded() -> None:
    """Failures beyond the limit are in the file of cases alone."""
    request = HarRequest("GET", "http://127.0.0.1:1/q", None, "", "")
    assert len(json.loads(write_har([request] * (MAX_ENTRIES + 1), STARTED))["log"]["entries"]) == MAX_ENTRIES
