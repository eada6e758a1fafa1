"""Reports of Schemathesis: lines of a real run, and lines that nobody wrote."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ghmlops.core.errors import DataError
from ghmlops.core.synthetic.schemathesis.report import Kind, read_report

START = {"Initialize": {"command": "st run", "schemathesis_version": "4.32.5", "seed": 1}}
END = {"EngineFinished": {"id": "1", "running_time": 1.5, "stop_reason": "completed"}}
REQUEST = {
    "method": "POST",
    "uri": "http://127.0.0.1:8000/predict?x=1",
    "headers": {"Content-Type": ["application/json"]},
    "body": {"$base64": base64.b64encode(b"{}").decode()},
}


def scenario(checks: dict[str, Any], interactions: dict[str, Any]) -> dict[str, Any]:
    recorder = {"label": "POST /predict", "checks": checks, "interactions": interactions}
    return {"ScenarioFinished": {"id": "1", "recorder": recorder}}


def lines(*events: dict[str, Any]) -> list[bytes]:
    return [json.dumps(event).encode() + b"\n" for event in events]


def failed(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "status": "failure", "failure_info": {"failure": {"title": "Server error", **more}}}


def test_failures_are_counted_and_keep_their_first_request() -> None:
    """By check, operation, title and status; a failure may be that of another case."""
    passed = {"name": "status_code_conformance", "status": "success"}
    interactions = {
        "a": {"request": REQUEST, "response": {"status_code": 500, "headers": {}, "elapsed": 0.1}},
        "b": {"request": {"method": "GET", "uri": "http://h"}, "response": None},
    }
    checks = {"a": [failed("not_a_server_error"), passed], "c": [failed("not_a_server_error", case_id="b")]}
    report = read_report(lines(START, scenario(checks, interactions), {"Warning": {}}, END))
    assert (report.version, report.finished) == ("4.32.5", True)
    assert dict(report.checked) == {"not_a_server_error": 2, "status_code_conformance": 1}
    assert dict(report.failed) == {"not_a_server_error": 2}
    first, second = report.kinds.items()
    assert first[0] == Kind("not_a_server_error", "POST /predict", "Server error", 500)
    assert first[1] == ("POST", "/predict?x=1", "application/json", b"{}")
    assert (second[0].status, second[1]) == (0, ("GET", "/", "", None))


def test_a_failure_without_its_request_is_counted() -> None:
    """It cannot be asked again."""
    report = read_report(lines(START, scenario({"a": [failed("x" * 200)]}, {})))
    ((kind, failure),) = report.kinds.items()
    assert (len(kind.check), failure.method, report.finished) == (60, "", False)


@pytest.mark.parametrize("encoded", ["&&&", 7, None])
def test_a_body_that_is_no_base64_is_no_body(encoded: object) -> None:
    request = {**REQUEST, "body": {"$base64": encoded}}
    report = read_report(lines(START, scenario({"a": [failed("c")]}, {"a": {"request": request}})))
    assert [failure.body for failure in report.kinds.values()] == [None]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no json\n",
        b"[" * 100_000,
        b"\xff\n",
        b'{"Initialize": {"schemathesis_version": 4}}\n',
        b'{"ScenarioFinished": {"recorder": {"checks": []}}}\n',
        b"{}\n",
    ],
)
def test_what_is_no_report_is_one_line(data: bytes) -> None:
    """Without a version it is none, however it looks."""
    with pytest.raises(DataError) as caught:
        read_report(data.splitlines(keepends=True))
    assert "\n" not in str(caught.value)
