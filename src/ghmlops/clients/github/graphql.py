"""Queries and mutations of GitHub's GraphQL API, whose errors arrive with status 200."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from ghmlops.clients.github.transport import Rejected, exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.clients.github.client import Client

T = TypeVar("T")
STATUSES = {
    "RATE_LIMITED": 429,
    "FORBIDDEN": 403,
    "INSUFFICIENT_SCOPES": 403,
    "NOT_FOUND": 404,
    "STALE_DATA": 409,
    "UNPROCESSABLE": 422,
    "SERVICE_UNAVAILABLE": 503,
}
"""Type of an error to the status with which the REST API answers in the same case."""
_UNKNOWN = 403
"""Status of an error of another type: it is not repeated."""
_TRANSIENT = 502


def query(client: Client, document: str, result_type: type[T], variables: Mapping[str, object] | None = None) -> T:
    """Send one query or mutation and return its `data`; the caller decides by `send` what is repeated.

    Args:
        client: The connection.
        document: The query or mutation.
        result_type: Type of the field `data`.
        variables: Values of its variables.

    Raises:
        Rejected: GitHub answered with an error; the status is the one of the REST API in the same case.
        ValueError: The response has another form.
        OutOfTime: The deadline has passed.
        requests.RequestException: The connection failed.
    """
    base = client.api_url.removesuffix("/v3") if client.is_enterprise else client.api_url
    body: dict[str, object] = {"query": document}
    if variables:
        body["variables"] = variables
    reply = exchange(client, "POST", f"{base}/graphql", body=body)
    if not isinstance(reply.body, dict):
        raise Rejected(_UNKNOWN, {}, reply.headers)
    if errors := reply.body.get("errors"):
        raise Rejected(_status(errors), {"message": _message(errors)}, reply.headers)
    return msgspec.convert(reply.body.get("data"), result_type)


def _first(errors: object) -> dict[str, object]:
    first = errors[0] if isinstance(errors, list) and errors else {}
    return first if isinstance(first, dict) else {"message": first}


def _message(errors: object) -> str:
    return str(_first(errors).get("message") or "no reason given")


def _status(errors: object) -> int:
    message = _message(errors).lower()
    # A secondary limit and a time-out on GitHub's side have no type of their own.
    if "rate limit" in message:
        return STATUSES["RATE_LIMITED"]
    if "something went wrong while executing your query" in message:
        return _TRANSIENT
    return STATUSES.get(str(_first(errors).get("type")), _UNKNOWN)
