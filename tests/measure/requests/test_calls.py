"""Calls: each endpoint's own payloads, template and path, and every way in which they do not fit."""

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
    return read_calls(Latency(mix=endpoints, **fields), folder, payload_file)


def test_plain_bodies(folder: Path) -> None:
    """Without fields a payload is the body, as it stands in the file."""
    found = read(folder, Request(path="/p"), payloads="a.jsonl")
    assert [(c.endpoint, c.path, c.body) for c in found.calls] == [
        (0, "/p", b'{"id": 1, "name": "x y"}'),
        (0, "/p", '{"id": 2, "name": "ü/\\""}'.encode()),
    ]
    assert found.fingerprints == {"a.jsonl": fingerprint(folder / "a.jsonl")}
    assert (found.places, found.cut) == ([range(2)], [])


def test_each_endpoint_has_its_own(folder: Path) -> None:
    """File, template and path fields are each endpoint's; the section's file serves the rest; `places` tell apart."""
    found = read(
        folder,
        Request(path="/a/{{name}}", method="GET"),
        Request(path="/b", payloads="p.parquet", template='{"key": "k-{{id}}", "v": {{v}}}', headers=JSON),
        Request(path="/health", method="GET", payloads="a.jsonl"),
        payloads="a.jsonl",
    )
    assert found.places == [range(2), range(2, 5), range(5, 7)]
    assert [c.path for c in found.calls[:2]] == ["/a/x%20y", "/a/%C3%BC%2F%22"]
    assert [c.body for c in found.calls[:2]] == [None, None]
    assert [json.loads(c.body or b"") for c in found.calls[2:5]] == [
        {"key": "k-1", "v": 0.5},
        {"key": "k-2", "v": None},
        {"key": "k-3", "v": 1.5},
    ]
    assert [c.endpoint for c in found.calls] == [0, 0, 1, 1, 1, 2, 2]
    assert sorted(found.fingerprints) == ["a.jsonl", "p.parquet"]


def test_the_input_overrides_the_section_not_the_endpoint(folder: Path) -> None:
    """`--payloads` stands for the section's file; an endpoint's own file stays."""
    found = read(
        folder, Request(path="/a"), Request(path="/b", payloads="a.jsonl"), payload_file="p.parquet", payloads="gone"
    )
    assert [len(p) for p in found.places] == [3, 2]


def test_path_fields_keep_the_body(folder: Path) -> None:
    """A POST whose path has fields sends the payload that it would send without: here the column `body`."""
    query = "SELECT i AS id, '{\"n\": ' || i || '}' AS body FROM range(2) t(i)"
    duckdb.connect().execute(f"COPY ({query}) TO '{folder / 'b.parquet'}' (FORMAT parquet)")
    found = read(folder, Request(path="/m/{{id}}"), payloads="b.parquet")
    assert [(c.path, c.body) for c in found.calls] == [("/m/0", b'{"n": 0}'), ("/m/1", b'{"n": 1}')]
    lines = read(folder, Request(path="/m/{{id}}"), payloads="a.jsonl")
    assert lines.calls[0].body == b'{"id": 1, "name": "x y"}'
    assert lines.calls[0].path == "/m/1"


def test_a_body_that_is_not_used_may_be_null(folder: Path) -> None:
    """With a template the column `body` is a column like any other."""
    query = "SELECT 1 AS id, NULL::VARCHAR AS body"
    duckdb.connect().execute(f"COPY ({query}) TO '{folder / 'b.parquet'}' (FORMAT parquet)")
    found = read(folder, Request(template='{"id": {{id}}, "b": {{body}}}'), payloads="b.parquet")
    assert [c.body for c in found.calls] == [b'{"id": 1, "b": null}']


def test_without_a_payload_file(folder: Path) -> None:
    """A GET needs none, nor does a template without fields."""
    found = read(folder, Request(method="GET", path="/g"), Request(path="/t", template='{"a": 1}'))
    assert [(c.path, c.body) for c in found.calls] == [("/g", None), ("/t", b'{"a": 1}')]


@pytest.mark.parametrize(
    ("request_", "file", "kind", "message"),
    [
        (Request(), "", InputError, "POST / needs request bodies"),
        (Request(method="GET", path="/a/{{id}}?k=1"), "", InputError, r"GET /a/\{\{id\}\} has the field `\{\{id\}\}`"),
        (Request(template="{{id}}"), "", InputError, r"POST / has the field `\{\{id\}\}`"),
        (Request(template="{{idd}}"), "a.jsonl", DataError, "a.jsonl:1: no column `idd`"),
        (Request(path="/{{nam}}"), "p.parquet", DataError, "p.parquet: row 1: no column `nam`"),
        (Request(template="{{id"), "a.jsonl", PolicyError, r"\{\{"),
        (Request(path="/{{v}}"), "p.parquet", DataError, "p.parquet: row 2: `v` is null"),
        (Request(template='{"a": x{{id}}}', headers=JSON), "a.jsonl", DataError, "a.jsonl:1: the filled template is"),
        (Request(template='{"a": x}', headers=JSON), "", DataError, "the template of POST /: the filled template is"),
    ],
)
def test_bad_requests(folder: Path, request_: Request, file: str, kind: type[GhmlopsError], message: str) -> None:
    """Each is an error, with row and hint, before anything is sent."""
    with pytest.raises(kind, match=message) as caught:
        read(folder, request_, payloads=file)
    assert caught.value.hint


def test_text_may_be_anything_but_json(folder: Path) -> None:
    """A filled template that is no JSON is sent where the content type does not promise JSON."""
    found = read(folder, Request(template="id={{id}}", headers={"content-type": "text/plain"}), payloads="a.jsonl")
    assert [c.body for c in found.calls] == [b"id=1", b"id=2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"id": 1}\n[2]\n', "b.jsonl:2: not a JSON object"),
        (b'{"id": 1}\n{"di": 2}\n', "b.jsonl:2: no column `id`"),
        (b'{"id": 1}\n\n{"id": "\xff"}\n', "b.jsonl:3: not UTF-8 at byte 8"),
        (b'{"id": NaN}\n', "b.jsonl:1: not JSON"),
        (b"", "b.jsonl: the payload file has no rows"),
    ],
)
def test_bad_rows(folder: Path, content: bytes, message: str) -> None:
    """Fields need an object a line, each with the column, in UTF-8; the line is named."""
    (folder / "b.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(folder, Request(template='{"id": {{id}}}', headers=JSON), payloads="b.jsonl")


def test_not_a_number_in_a_column(folder: Path) -> None:
    """A NaN of Parquet has no JSON: the row is named."""
    duckdb.connect().execute(f"COPY (SELECT 'nan'::DOUBLE AS v) TO '{folder / 'n.parquet'}' (FORMAT parquet)")
    with pytest.raises(DataError, match=r"n\.parquet: row 1: not JSON"):
        read(folder, Request(template='{"v": {{v}}}', headers=JSON), payloads="n.parquet")


def test_limits_hold_for_all_endpoints_together(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every endpoint gets a share of the rows; what one leaves goes to the next; cut files are named."""
    monkeypatch.setattr(payloads, "MAX_ROWS", 5)
    (folder / "long.jsonl").write_text("".join(f'{{"i": {i}}}\n' for i in range(50)))
    long = Request(payloads="long.jsonl")
    found = read(folder, long, long)
    assert ([len(p) for p in found.places], found.cut) == ([2, 3], ["long.jsonl"])
    found = read(folder, Request(method="GET"), long)
    assert [len(p) for p in found.places] == [1, 4]


def test_filled_templates_count_against_the_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long template cannot fill the memory: calls beyond the limit are left out; a first one is an error."""
    monkeypatch.setattr(payloads, "MAX_BYTES", 250)
    wide = Request(template="x" * 200 + "{{id}}", path="/")
    found = read(folder, wide, payloads="a.jsonl")
    assert (len(found.calls), found.cut) == (1, ["a.jsonl"])
    with pytest.raises(DataError, match="its first filled template is larger"):
        read(folder, Request(template="x" * 300 + "{{id}}"), payloads="a.jsonl")


def test_presets_make_the_bodies(folder: Path) -> None:
    """With a preset each row, or filled template, becomes a body of its protocol; an only column is named too."""
    inference: dict[str, Any] = {"preset": "open-inference", "model": "m"}
    found = read(folder, Request(template='{"x": [{{id}}, {{id}}]}', headers=JSON), payloads="a.jsonl", **inference)
    assert json.loads(found.calls[1].body or b"") == {
        "inputs": [{"name": "x", "shape": [1, 2], "datatype": "INT64", "data": [2, 2]}]
    }
    duckdb.connect().execute(f"COPY (SELECT 'Hi' AS prompt) TO '{folder / 'c.parquet'}' (FORMAT parquet)")
    chat = read(folder, Request(), payloads="c.parquet", preset="openai-chat", model="m")
    assert json.loads(chat.calls[0].body or b"")["messages"] == [{"role": "user", "content": "Hi"}]


def test_a_row_that_a_preset_cannot_use(folder: Path) -> None:
    """The row is named, with the preset's reason."""
    with pytest.raises(DataError, match=r"p\.parquet: row 2: column `v` is null") as caught:
        read(folder, Request(), payloads="p.parquet", preset="open-inference", model="m")
    assert caught.value.hint
