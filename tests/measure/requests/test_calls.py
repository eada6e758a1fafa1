"""Calls: payloads, template and path of each endpoint, and each way in which they do not match."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from ghmlops.core.errors import DataError, GhmlopsError, InputError, PolicyError
from ghmlops.core.policy.latency import Latency, Request
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.requests import payloads
from ghmlops.measure.requests.calls import Calls, read_calls

if TYPE_CHECKING:
    from pathlib import Path

JSON = {"content-type": "application/json"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl").write_text('{"id": 1, "name": "x y"}\n\n{"id": 2, "name": "ü/\\""}\n')
    query = "SELECT i AS id, 'n' || i AS name, CASE WHEN i = 2 THEN NULL ELSE i / 2 END AS v FROM range(1, 4) t(i)"
    duckdb.connect().execute(f"COPY ({query}) TO '{tmp_path / 'p.parquet'}' (FORMAT parquet)")
    return tmp_path


def read(folder: Path, *endpoints: Request, payload_file: str = "", **fields: Any) -> Calls:
    return read_calls(Latency(mix=endpoints, **fields), lambda name: folder / name, payload_file)


def test_plain_bodies(folder: Path) -> None:
    """Without fields, a payload is sent as the body, unchanged."""
    result = read(folder, Request(path="/p"), payloads="a.jsonl")
    assert [(c.endpoint, c.path, c.body) for c in result.calls] == [
        (0, "/p", b'{"id": 1, "name": "x y"}'),
        (0, "/p", '{"id": 2, "name": "ü/\\""}'.encode()),
    ]
    assert result.fingerprints == {"a.jsonl": fingerprint(folder / "a.jsonl")}
    assert (result.endpoint_ranges, result.truncated_files) == ([range(2)], [])


def test_each_endpoint_has_separate_payloads(folder: Path) -> None:
    """An endpoint has its file, template and path fields, or the section's file; the ranges separate the calls."""
    result = read(
        folder,
        Request(path="/a/{{name}}", method="GET"),
        Request(path="/b", payloads="p.parquet", template='{"key": "k-{{id}}", "v": {{v}}}', headers=JSON),
        Request(path="/health", method="GET", payloads="a.jsonl"),
        payloads="a.jsonl",
    )
    assert result.endpoint_ranges == [range(2), range(2, 5), range(5, 7)]
    assert [c.path for c in result.calls[:2]] == ["/a/x%20y", "/a/%C3%BC%2F%22"]
    assert [c.body for c in result.calls[:2]] == [None, None]
    assert [json.loads(c.body or b"") for c in result.calls[2:5]] == [
        {"key": "k-1", "v": 0.5},
        {"key": "k-2", "v": None},
        {"key": "k-3", "v": 1.5},
    ]
    assert [c.endpoint for c in result.calls] == [0, 0, 1, 1, 1, 2, 2]
    assert sorted(result.fingerprints) == ["a.jsonl", "p.parquet"]


def test_the_input_overrides_the_section_not_the_endpoint(folder: Path) -> None:
    """`--payloads` replaces the file of the section; the file of an endpoint has precedence."""
    result = read(
        folder, Request(path="/a"), Request(path="/b", payloads="a.jsonl"), payload_file="p.parquet", payloads="gone"
    )
    assert [len(p) for p in result.endpoint_ranges] == [3, 2]


def test_path_fields_keep_the_body(folder: Path) -> None:
    """A POST whose path has fields sends the same body as without them: here the column `body`."""
    query = "SELECT i AS id, '{\"n\": ' || i || '}' AS body FROM range(2) t(i)"
    duckdb.connect().execute(f"COPY ({query}) TO '{folder / 'b.parquet'}' (FORMAT parquet)")
    result = read(folder, Request(path="/m/{{id}}"), payloads="b.parquet")
    assert [(c.path, c.body) for c in result.calls] == [("/m/0", b'{"n": 0}'), ("/m/1", b'{"n": 1}')]
    lines = read(folder, Request(path="/m/{{id}}"), payloads="a.jsonl")
    assert lines.calls[0].body == b'{"id": 1, "name": "x y"}'
    assert lines.calls[0].path == "/m/1"


def test_an_unused_body_may_be_null(folder: Path) -> None:
    """With a template, the column `body` is an ordinary column."""
    query = "SELECT 1 AS id, NULL::VARCHAR AS body"
    duckdb.connect().execute(f"COPY ({query}) TO '{folder / 'b.parquet'}' (FORMAT parquet)")
    result = read(folder, Request(template='{"id": {{id}}, "b": {{body}}}'), payloads="b.parquet")
    assert [c.body for c in result.calls] == [b'{"id": 1, "b": null}']


def test_without_a_payload_file(folder: Path) -> None:
    """Neither a GET nor a template without fields needs one."""
    result = read(folder, Request(method="GET", path="/g"), Request(path="/t", template='{"a": 1}'))
    assert [(c.path, c.body) for c in result.calls] == [("/g", None), ("/t", b'{"a": 1}')]


@pytest.mark.parametrize(
    ("request_", "file", "kind", "message"),
    [
        (Request(), "", InputError, "POST / .*bodies"),
        (Request(method="GET", path="/a/{{id}}?k=1"), "", InputError, r"GET /a/\{\{id\}\} .*`\{\{id\}\}`"),
        (Request(template="{{id}}"), "", InputError, r"POST / .*`\{\{id\}\}`"),
        (Request(template="{{idd}}"), "a.jsonl", DataError, "a.jsonl:1: .*`idd`"),
        (Request(path="/{{nam}}"), "p.parquet", DataError, "p.parquet: row 1: .*`nam`"),
        (Request(template="{{id"), "a.jsonl", PolicyError, r"\{\{"),
        (Request(path="/{{v}}"), "p.parquet", DataError, "p.parquet: row 2: `v` .*null"),
        (Request(template='{"a": x{{id}}}', headers=JSON), "a.jsonl", DataError, "a.jsonl:1: .*template .*JSON"),
        (Request(template='{"a": x}', headers=JSON), "", DataError, "template of POST /: .*JSON"),
    ],
)
def test_bad_requests(folder: Path, request_: Request, file: str, kind: type[GhmlopsError], message: str) -> None:
    """Each is an error that names the request or the row, with a hint, before anything is sent."""
    with pytest.raises(kind, match=message) as caught:
        read(folder, request_, payloads=file)
    assert caught.value.hint


def test_only_json_bodies_must_be_json(folder: Path) -> None:
    """A filled template that is not JSON is sent if the content type is not JSON."""
    result = read(folder, Request(template="id={{id}}", headers={"content-type": "text/plain"}), payloads="a.jsonl")
    assert [c.body for c in result.calls] == [b"id=1", b"id=2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"id": 1}\n[2]\n', "b.jsonl:2: .*object"),
        (b'{"id": 1}\n{"di": 2}\n', "b.jsonl:2: .*`id`"),
        (b'{"id": 1}\n\n{"id": "\xff"}\n', "b.jsonl:3: .*UTF-8 .*8"),
        (b'{"id": NaN}\n', "b.jsonl:1: .*JSON"),
        (b"", "b.jsonl: .*no rows"),
    ],
)
def test_bad_rows(folder: Path, content: bytes, message: str) -> None:
    """Fields need one UTF-8 object per line that has the column; the message names the line."""
    (folder / "b.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(folder, Request(template='{"id": {{id}}}', headers=JSON), payloads="b.jsonl")


def test_a_nan_in_a_column(folder: Path) -> None:
    """A NaN of Parquet cannot be written as JSON: the message names the row."""
    duckdb.connect().execute(f"COPY (SELECT 'nan'::DOUBLE AS v) TO '{folder / 'n.parquet'}' (FORMAT parquet)")
    with pytest.raises(DataError, match=r"n\.parquet: row 1: .*JSON"):
        read(folder, Request(template='{"v": {{v}}}', headers=JSON), payloads="n.parquet")


def test_limits_apply_to_all_endpoints_together(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each endpoint gets a share of the remaining rows; truncated files are listed."""
    monkeypatch.setattr(payloads, "MAX_ROWS", 5)
    (folder / "long.jsonl").write_text("".join(f'{{"i": {i}}}\n' for i in range(50)))
    long = Request(payloads="long.jsonl")
    result = read(folder, long, long)
    assert ([len(p) for p in result.endpoint_ranges], result.truncated_files) == ([2, 3], ["long.jsonl"])
    result = read(folder, Request(method="GET"), long)
    assert [len(p) for p in result.endpoint_ranges] == [1, 4]


def test_filled_templates_count_against_the_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls beyond the limit in bytes are left out; if the first call exceeds it, that is an error."""
    monkeypatch.setattr(payloads, "MAX_BYTES", 250)
    wide = Request(template="x" * 200 + "{{id}}", path="/")
    result = read(folder, wide, payloads="a.jsonl")
    assert (len(result.calls), result.truncated_files) == (1, ["a.jsonl"])
    with pytest.raises(DataError, match=r"a\.jsonl: .*template .*MiB"):
        read(folder, Request(template="x" * 300 + "{{id}}"), payloads="a.jsonl")


def test_presets_build_the_bodies(folder: Path) -> None:
    """With a preset, each row or filled template becomes a body of its protocol; a single column keeps its name."""
    inference: dict[str, Any] = {"preset": "open-inference", "model": "m"}
    result = read(folder, Request(template='{"x": [{{id}}, {{id}}]}', headers=JSON), payloads="a.jsonl", **inference)
    assert json.loads(result.calls[1].body or b"") == {
        "inputs": [{"name": "x", "shape": [1, 2], "datatype": "INT64", "data": [2, 2]}]
    }
    duckdb.connect().execute(f"COPY (SELECT 'Hi' AS prompt) TO '{folder / 'c.parquet'}' (FORMAT parquet)")
    chat = read(folder, Request(), payloads="c.parquet", preset="openai-chat", model="m")
    assert json.loads(chat.calls[0].body or b"")["messages"] == [{"role": "user", "content": "Hi"}]


def test_a_row_that_does_not_match_the_preset(folder: Path) -> None:
    """The message names the row and the column."""
    with pytest.raises(DataError, match=r"p\.parquet: row 2: .*`v`") as caught:
        read(folder, Request(), payloads="p.parquet", preset="open-inference", model="m")
    assert caught.value.hint
