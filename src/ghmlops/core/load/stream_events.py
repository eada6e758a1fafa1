"""Classifies one event of a streamed response: whether it carries output, ends the stream or reports a failure. Pure.

A service whose answer fails after the status line was sent can only say so inside the stream, and each server spells
that differently: an object `error` in place of `choices` (OpenAI, vLLM, SGLang, Ollama, Triton, Gemini), the event
`error` (Anthropic, TGI, LangServe, Gradio), the line field `error:` (llama.cpp), `response.failed` (Responses), a
finish reason (`content_filter` of Azure, `SAFETY` of Gemini, `ERROR` of Cohere), or a key `...Exception` (Bedrock).
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from ghmlops.core.load.stream_apis import READERS, Part, StreamEvent, mapping

_ERROR_NAMES = (b"error", b"exception")
_SILENT_NAMES = (b"ping", b"heartbeat", b"keepalive", b"keep-alive", b"metadata", b"end", b"done", b"close")
"""Names of events that carry no output, whatever their data."""
_LABELS = ("type", "event", "object", "event_type", "msg")
"""Keys whose value names the kind of an event."""
_ERROR_LABELS = ("error", "exception", "unexpected_error", "response.failed", "response.cancelled", "thread.run.failed")
_ERROR_KEYS = frozenset((*_LABELS, "error", "error_type", "code", "status", "status_code", "message", "detail"))
"""Keys of an object that is nothing but a report of a failure."""
_NO_EVENT = StreamEvent(part=Part.NONE)
_UNKNOWN = StreamEvent(part=Part.OUTPUT)
_DONE = StreamEvent(part=Part.NONE, ends=True, recognised=True)
_FAILURE = StreamEvent(part=Part.NONE, failed=True)


def classify(name: bytes, data: bytes) -> StreamEvent:
    """Return what an event carries. Data of no known API is one token, unless it reports a failure.

    Args:
        name: Name of the event (`event:`); empty if it has none.
        data: Its data; not empty.
    """
    if name in _ERROR_NAMES or data.startswith(b"[ERROR]"):
        return _FAILURE
    if data.strip() == b"[DONE]":
        return _DONE
    value = _decode(data)
    if isinstance(value, list) and value and isinstance(value[0], dict):  # Gemini without `alt=sse`
        value = value[0]
    if not isinstance(value, dict):
        return _NO_EVENT if name in _SILENT_NAMES else _UNKNOWN
    if reports_failure(value):
        return _FAILURE
    for read in READERS:
        event = read(value)
        if event is not None:
            return event
    return _NO_EVENT if name in _SILENT_NAMES or value.get("type") in ("ping", "keepalive") else _UNKNOWN


def reports_failure(value: dict[str, Any]) -> bool:
    """Return whether the object of an event reports a failure of the service.

    A number under `error` is a failure only if the object has no other content: it is also the name of a metric.
    """
    error = value.get("error")
    nothing_else = error is not None and value.keys() <= _ERROR_KEYS
    if isinstance(error, str | list | dict) or error is True:
        reported = bool(error) or (error == {} and nothing_else)
    else:
        reported = bool(error) and nothing_else
    code = value.get("error_code")  # FastChat
    return (
        reported
        or any(value.get(label) in _ERROR_LABELS for label in _LABELS)
        or (isinstance(code, int) and code > 0)
        or any(key.endswith(("Exception", "StreamFailure")) for key in value)
        or bool(mapping(value.get("x_groq")).get("error"))
        or (value.get("msg") == "process_completed" and value.get("success") is False)  # Gradio
    )


def _decode(data: bytes) -> object:
    """Return the JSON value of the data, `None` if it is not JSON; NaN and infinities are accepted, as Python does."""
    if data[:1] not in (b"{", b"["):
        stripped = data.lstrip()
        if stripped[:1] not in (b"{", b"["):
            return None
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
