"""Recorded requests from Parquet, JSONL and HAR."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.errors import DataError, PolicyError
from ghmlops.core.shadow.recorded import Recorded, parse_endpoint
from ghmlops.measure.shadow.recordings import read_har, read_rows, read_traces

if TYPE_CHECKING:
    from pathlib import Path

PREDICT = [parse_endpoint("POST /predict")]
JSON = {"content-type": "application/json"}


def test_rows_with_method_and_path_are_requests(tmp_path: Path) -> None:
    """Headers are an object or text, bodies text or values; rows that are no request are named."""
    rows = [
        {"method": "post", "path": "/predict", "body": {"x": 1.0}, "headers": {"X-A": "1", "n": 3}},
        {"method": "POST", "path": "/predict#top", "body": "raw", "headers": '{"Content-Type": "text/plain"}'},
        {"method": "GET", "path": "/health"},
        {"method": "GET", "path": "/a b"},
        {"method": 3, "path": "/"},
        {"method": "GET", "path": "/", "headers": "no json"},
        {"method": "GET", "path": "/", "headers": 3},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    recording = read_rows(file, "rows.jsonl", [])
    assert recording.requests == [
        Recorded(row=1, method="POST", path="/predict", headers={"x-a": "1", **JSON}, body=b'{"x":1.0}'),
        Recorded(row=2, method="POST", path="/predict", headers={"content-type": "text/plain"}, body=b"raw"),
        Recorded(row=3, method="GET", path="/health", headers={}, body=None),
    ]
    assert list(recording.unreadable) == [4, 5, 6, 7]
    assert recording.fingerprint.startswith("sha256:")


def test_rows_of_parquet(tmp_path: Path) -> None:
    """Parquet has requests or bodies as JSONL has."""
    import duckdb

    queries = {
        "requests": "SELECT 'GET' AS method, '/items/' || range AS path FROM range(3)",
        "bodies": "SELECT range AS x, 'a' AS y FROM range(3)",
    }
    for name, query in queries.items():
        relation = duckdb.sql(query)
        assert relation is not None
        relation.write_parquet(str(tmp_path / f"{name}.parquet"))
    requests = read_rows(tmp_path / "requests.parquet", "requests.parquet", [])
    bodies = read_rows(tmp_path / "bodies.parquet", "bodies.parquet", PREDICT)
    assert [r.path for r in requests.requests] == ["/items/0", "/items/1", "/items/2"]
    assert [(r.method, r.path, json.loads(r.body or b"")) for r in bodies.requests] == [
        ("POST", "/predict", {"x": x, "y": "a"}) for x in range(3)
    ]


@pytest.mark.parametrize("declared", [[], PREDICT * 2, [parse_endpoint("POST /models/{name}")]])
def test_bodies_need_one_endpoint(tmp_path: Path, declared: list[object]) -> None:
    """Bodies without an endpoint are refused."""
    (tmp_path / "rows.jsonl").write_text("[1]\n[2]\n")
    with pytest.raises(PolicyError):
        read_rows(tmp_path / "rows.jsonl", "rows.jsonl", declared)  # type: ignore[arg-type]


def test_entries_of_an_archive(tmp_path: Path) -> None:
    """Method, path with query, headers and body are read; answers and pseudo-headers are not."""
    request = {
        "method": "POST",
        "url": "https://live.example.com/predict?a=b%20c",
        "headers": [{"name": ":authority", "value": "x"}, {"name": "Content-Type", "value": "application/json"}],
        "postData": {"mimeType": "application/json", "text": "e30=", "encoding": "base64"},
    }
    bad = [{"url": "ws://x/"}, {"method": "GET", "url": "https://[x"}, {"method": "G T", "url": "https://x/"}]
    bad.append({"method": "POST", "url": "https://x/", "postData": {"text": "*", "encoding": "base64"}})  # type: ignore[dict-item]
    entries = [{"request": entry, "response": {"status": 200}} for entry in (request, *bad)]
    (tmp_path / "a.har").write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    recording = read_har(tmp_path / "a.har", "a.har")
    assert recording.requests == [Recorded(row=1, method="POST", path="/predict?a=b%20c", headers=JSON, body=b"{}")]
    assert list(recording.unreadable) == [2, 3, 4, 5]


@pytest.mark.parametrize("text", ["", "{", '{"log": {}}', '{"log": {"entries": []}}', '{"log": {"entries": [{}]}}'])
def test_archives_without_a_request_are_refused(tmp_path: Path, text: str) -> None:
    """A damaged or empty archive is an error, never an empty run."""
    (tmp_path / "a.har").write_text(text)
    with pytest.raises(DataError):
        read_har(tmp_path / "a.har", "a.har")


def test_missing_files(tmp_path: Path) -> None:
    """A file that does not exist is named."""
    for read in (read_har, lambda path, name: read_rows(path, name, PREDICT)):
        with pytest.raises(DataError, match=r"none\.har"):
            read(tmp_path / "none.har", "none.har")


def test_access_logs_with_bodies_are_recordings(tmp_path: Path) -> None:
    """Lines of HAProxy with the body in base64, and traces of Envoy's tap filter, in a file or one per file."""
    lines = [
        {"method": "POST", "path": "/predict", "status": 200, "request_body_base64": "eyJ4IjogMX0="},
        {"method": "GET", "path": "/items?q=1", "status": 200, "request_body_base64": "-"},
        {"method": "POST", "path": "/predict", "request_body_base64": "?"},
    ]
    (tmp_path / "access.log").write_text("".join(json.dumps(line) + "\n" for line in lines))
    log = read_rows(tmp_path / "access.log", "access.log", [])
    assert log.requests == [
        Recorded(row=1, method="POST", path="/predict", headers=JSON, body=b'{"x": 1}'),
        Recorded(row=2, method="GET", path="/items?q=1", headers={}, body=None),
    ]
    assert list(log.unreadable) == [3]
    headers = [{"key": ":method", "value": "POST"}, {"key": ":path", "value": "/p"}, {"key": "X-Id", "value": "7"}]
    request = {"headers": headers, "body": {"as_bytes": "eyJ4IjogMX0="}}
    traces = [{"request": request}, {"request": {**request, "body": {"truncated": True}}}]
    (tmp_path / "taps").mkdir()
    for number, trace in enumerate(traces):
        (tmp_path / f"taps/{number}.json").write_text(json.dumps({"http_buffered_trace": trace}, indent=1))
    (tmp_path / "taps/9.json").write_text("{}")
    folder = read_traces(tmp_path / "taps", "taps")
    expected = Recorded(row=1, method="POST", path="/p", headers={"x-id": "7", **JSON}, body=b'{"x": 1}')
    assert (folder.requests, list(folder.unreadable), folder.truncated) == ([expected], [2, 3], False)
    (tmp_path / "taps.jsonl").write_text(json.dumps({"http_buffered_trace": traces[0]}) + "\n")
    assert read_rows(tmp_path / "taps.jsonl", "taps.jsonl", []).requests == [expected]


def test_a_folder_without_a_trace_is_refused(tmp_path: Path) -> None:
    """Nothing was recorded, so nothing can be compared."""
    with pytest.raises(DataError, match="no request"):
        read_traces(tmp_path, "taps")
