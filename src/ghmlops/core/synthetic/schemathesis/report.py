"""Reads a report of Schemathesis 4 (format `ndjson`: one event per line). What it contains is untrusted."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_KINDS = 500
"""Kinds of failures of a report; further ones are not read."""
_MAX_NAME, _MAX_OPERATION = 60, 160
_HINT = "run it again; if that does not help, set another `synthetic.schemathesis.examples`"


class Kind(NamedTuple):
    """A kind of failure: the check, the operation (`POST /predict`), what was wrong, and the status of the answer."""

    check: str
    operation: str
    title: str
    status: int


class Failure(NamedTuple):
    """The first failure of a kind, with its request.

    Attributes:
        method: method of the request; empty if the report does not have it.
        path: path with query.
        content_type: content type of the body; empty without one.
        body: body; `None` without one.
    """

    method: str
    path: str
    content_type: str
    body: bytes | None


@dataclass(slots=True)
class Report:
    """What one run of Schemathesis has shown of one service.

    Attributes:
        version: version of Schemathesis.
        checked: how often each check ran.
        failed: how often each check failed.
        kinds: first failure of each kind.
        finished: whether the run came to its end.
    """

    version: str = ""
    checked: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    kinds: dict[Kind, Failure] = field(default_factory=dict)
    finished: bool = False


class _Failure(msgspec.Struct):
    title: str = ""
    operation: str | None = None
    case_id: str | None = None


class _Info(msgspec.Struct):
    failure: _Failure | None = None


class _Check(msgspec.Struct):
    name: str
    status: str
    failure_info: _Info | None = None


class _Request(msgspec.Struct):
    method: str
    uri: str
    headers: dict[str, Any] = msgspec.field(default_factory=dict)
    body: dict[str, Any] | None = None


class _Response(msgspec.Struct):
    status_code: int


class _Interaction(msgspec.Struct):
    request: _Request
    response: _Response | None = None


class _Recorder(msgspec.Struct):
    label: str = ""
    checks: dict[str, list[_Check]] = msgspec.field(default_factory=dict)
    interactions: dict[str, _Interaction] = msgspec.field(default_factory=dict)


class _Scenario(msgspec.Struct):
    recorder: _Recorder


class _Start(msgspec.Struct):
    schemathesis_version: str


class _Event(msgspec.Struct):
    start: _Start | None = msgspec.field(name="Initialize", default=None)
    scenario: _Scenario | None = msgspec.field(name="ScenarioFinished", default=None)
    end: dict[str, Any] | None = msgspec.field(name="EngineFinished", default=None)


def read_report(lines: Iterable[bytes]) -> Report:
    """Read the events of one run.

    Raises:
        DataError: A line is no event, or the first one is not that of Schemathesis.
    """
    report = Report()
    for number, line in enumerate(lines, start=1):
        try:
            event = msgspec.json.decode(line, type=_Event)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            reason = " ".join(str(error).split())[:160]
            raise DataError(f"line {number} of the report of Schemathesis is no event: {reason}", hint=_HINT) from None
        if event.start is not None:
            report.version = event.start.schemathesis_version[:20]
        if event.scenario is not None:
            _add(report, event.scenario.recorder)
        report.finished |= event.end is not None
    if not report.version:
        raise DataError("the report of Schemathesis does not name its version", hint=_HINT)
    return report


def _add(report: Report, recorder: _Recorder) -> None:
    for case, checks in recorder.checks.items():
        for check in checks:
            name = check.name[:_MAX_NAME]
            report.checked[name] += 1
            if check.status != "failure":
                continue
            report.failed[name] += 1
            failure = (check.failure_info or _Info()).failure or _Failure()
            operation, title = (failure.operation or recorder.label)[:_MAX_OPERATION], failure.title[:_MAX_OPERATION]
            interaction = recorder.interactions.get(failure.case_id or case)
            status = interaction.response.status_code if interaction and interaction.response else 0
            kind = Kind(name, operation, title, status)
            if kind not in report.kinds and len(report.kinds) < MAX_KINDS:
                report.kinds[kind] = _request(interaction)


def _request(interaction: _Interaction | None) -> Failure:
    if interaction is None:
        return Failure("", "", "", None)
    request = interaction.request
    parts = urlsplit(request.uri)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {name.lower(): value for name, value in request.headers.items()}
    content_type = headers.get("content-type", "")
    content_type = content_type[0] if isinstance(content_type, list) and content_type else content_type
    return Failure(request.method, path or "/", str(content_type or ""), _body(request))


def _body(request: _Request) -> bytes | None:
    encoded = (request.body or {}).get("$base64")
    if not isinstance(encoded, str):
        return None
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
