"""Turns the request of a relation into the message of one endpoint: template, preset, batch, spelling."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.core.synthetic import batches
from ghmlops.core.synthetic.message import Message, Part, message
from ghmlops.core.synthetic.spelling import PLAIN, encode, respelled
from ghmlops.measure.requests.calls import row_calls

if TYPE_CHECKING:
    from ghmlops.core.load.call import Call
    from ghmlops.core.policy.before_traffic.synthetic import BatchSettings
    from ghmlops.core.policy.latency import Latency
    from ghmlops.core.synthetic.ask import Ask
    from ghmlops.core.synthetic.rows.fields import Json


class Renderer:
    """Builds the messages of one endpoint.

    Args:
        policy: section `latency` as it is sent.
        number: index of the endpoint.
        settings: how rows are sent as one request.
    """

    def __init__(self, policy: Latency, number: int, settings: BatchSettings) -> None:
        self._number, self._settings = number, settings
        self._build = row_calls(policy, number, "a generated row")

    def message(self, ask: Ask) -> Message | None:
        """Return the message; `None` if the endpoint cannot be asked this, or the change would change nothing."""
        call = self._call(ask.row)
        if call is None:
            return None
        if ask.literal is not None:
            return None if call.body is None else self._message(call, ask.literal, ask)
        if ask.batch is not None:
            return self._batch(call, ask)
        if ask.spelling == PLAIN or call.body is None:
            return self._message(call, call.body, ask) if ask.spelling == PLAIN else None
        body = respelled(call.body, ask.spelling)
        return None if body == respelled_plain(call.body) else self._message(call, body, ask)

    def _message(self, call: Call, body: bytes | None, ask: Ask) -> Message:
        return message(self._number, call.path, body, when=ask.when)

    def _call(self, row: Json) -> Call | None:
        try:
            return self._build(encode(row))
        except (DataError, ValueError, RecursionError):  # The template needs another field, or the row has no JSON.
            return None

    def _batch(self, call: Call, ask: Ask) -> Message | None:
        assert ask.batch is not None  # noqa: S101  (the caller has checked)
        calls = [self._call(row) for row in ask.batch.rows]
        bodies = [_decoded(one.body) for one in calls if one is not None and one.body is not None]
        key = self._settings.instances
        sizes = [batches.size(body, key) for body in bodies]
        if len(bodies) != len(calls) or not all(sizes):
            return None
        joined = batches.join(bodies, key)
        if joined is None:
            return None
        index = ask.batch.index
        part = Part(total=sum(sizes), offset=sum(sizes[:index]), count=sizes[index], whole=key is not None)
        path = self._settings.path or call.path
        return message(self._number, path, encode(joined), when=ask.when, part=part)


def respelled_plain(body: bytes) -> bytes:
    """Return a JSON body without blanks, so that spellings can be compared; other bodies stay as they are."""
    try:
        return encode(json.loads(body))
    except (ValueError, RecursionError):
        return body


def _decoded(body: bytes | None) -> Json:
    try:
        return json.loads(body or b"")
    except (ValueError, RecursionError):
        return None
