"""The requests whose answers changed, as an HTTP archive that `shadow`, browsers and proxies read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.answers.har import HarRequest
from ghmlops.core.shadow.constants import EXAMPLES_PER_PLACE
from ghmlops.core.shadow.recorded import CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ghmlops.core.shadow.outcome import Run
    from ghmlops.core.shadow.recorded import Recorded

MASK = "masked"
"""Stands for the value of a private field, or of a credential in a query."""
_QUERY_CREDENTIALS = ("access_token", "api_key", "apikey", "key", "password", "secret", "sig", "signature", "token")


def changed_requests(run: Run, requests: Iterable[Recorded], url: str) -> list[HarRequest]:
    """Return the requests of the changes that fail or warn, each once, in the order of the recording.

    Args:
        run: the run.
        requests: the requests that were sent.
        url: address of the candidate.
    """
    rows: dict[int, list[str]] = {}
    for verdict in run.verdicts:
        if verdict.proven and run.blocks(verdict.endpoint, verdict.place):
            for example in verdict.examples[:EXAMPLES_PER_PLACE]:
                rows.setdefault(example.row, []).append(verdict.place.path)
    for question in run.proven_rows:
        if run.blocks(question.endpoint, question.place):
            rows.setdefault(question.row, []).append(question.place.path)
    result = []
    for request in requests:
        if request.row in rows:
            places = ", ".join(dict.fromkeys(rows[request.row]))
            result.append(_har_request(request, places, url.rstrip("/"), run.policy.private))
    return result


def _har_request(request: Recorded, places: str, url: str, private: Collection[str]) -> HarRequest:
    comment = f"row {request.row:,}: the answer changed at {places}"
    body = request.body
    if body is not None and private:
        body = masked_body(body, private)
        comment += "; its body is left out, because private fields in it cannot be recognised" if body is None else ""
    content_type = request.headers.get("content-type", "application/json")
    return HarRequest(request.method, url + masked_query(request.path, private), body, content_type, comment)


def masked_body(body: bytes, private: Collection[str]) -> bytes | None:
    """Return a JSON body without the values of private fields, at any depth; `None` if it is no JSON."""
    try:
        return msgspec.json.encode(_masked(msgspec.json.decode(body), private))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _masked(value: object, private: Collection[str]) -> object:
    if isinstance(value, dict):
        return {name: MASK if name in private else _masked(item, private) for name, item in value.items()}
    return [_masked(item, private) for item in value] if isinstance(value, list) else value


def masked_query(path: str, private: Collection[str]) -> str:
    """Return a path whose query has no value of a private field, and no credential."""
    plain, mark, query = path.partition("?")
    hidden = {name.lower() for name in (*private, *CREDENTIALS, *_QUERY_CREDENTIALS)}
    pairs = [pair.partition("=") for pair in query.split("&")]
    return (
        plain
        + mark
        + "&".join(
            f"{name}={MASK}" if value and name.lower() in hidden else f"{name}{sign}{value}"
            for name, sign, value in pairs
        )
    )
