"""Joins the pieces of a streamed chat, so that how a service cuts its answer into pieces is no property of the answer.

Everything that the pieces contain is kept but for what differs by chance or by the cut: ids, times, roles, and the
fields around the choices.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ghmlops.core.answers.body import Json

_TEXTS = frozenset({"arguments", "data", "reasoning", "reasoning_content", "refusal", "thinking", "transcript"})
"""Texts that arrive in pieces; any other text (a name, a type) is repeated by some services, and then counts once."""
_AROUND = frozenset({"id", "object", "created", "model", "system_fingerprint", "service_tier", "choices", "usage"})
"""Fields around the choices: the same in all pieces of a stream, or of no meaning."""
_OF_CHOICE = frozenset({"index", "delta", "text", "finish_reason"})
_OF_DELTA = frozenset({"role", "content", "text"})
_OF_ELEMENT = frozenset({"index", "id"})
"""Fields of calls of tools that are not compared: their number is their order, and their id is random."""
_ERROR = "error"
_MAX_INDEX = 20


@dataclass(slots=True)
class _Text:
    """A text in pieces."""

    pieces: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Elements:
    """A list whose elements may arrive in pieces.

    Attributes:
        values: elements without a number, in the order of their arrival.
        calls: elements whose pieces are joined by their number, by it.
    """

    values: list[Json] = field(default_factory=list)
    calls: dict[str, dict[str, Json]] = field(default_factory=dict)


def chat_value(chunks: list[Json]) -> dict[str, Json]:
    """Return the value of the chunks of a chat.

    Returns:
        `choices`: per choice its text, the reason why it finished, and whatever else its pieces contain, such as calls
        of tools; `tokens` if the service reports their number; `events` if there are any that are no pieces of a
        choice, such as errors.
    """
    joined: dict[str, dict[str, Json]] = {}
    events: list[Json] = []
    tokens: Json = None
    for chunk in chunks:
        pieces = choices_of(chunk)
        for piece in pieces:
            _add(joined.setdefault(_number(piece.get("index", 0)), {"text": _Text(), "finish_reason": ""}), piece)
        event = _event(chunk, pieces)
        if event is not None:
            events.append(event)
        usage = chunk.get("usage") if isinstance(chunk, dict) and "choices" in chunk else None
        if isinstance(usage, dict) and usage.get("completion_tokens") is not None:
            tokens = usage["completion_tokens"]
    value: dict[str, Json] = {"choices": [_plain(joined[index]) for index in sorted(joined, key=_order)]}
    if tokens is not None:
        value["tokens"] = tokens
    if events:
        value["events"] = events
    return value


def choices_of(chunk: Json) -> list[dict[str, Json]]:
    """Return the choices of a chunk; empty if it is no chunk of a chat."""
    choices = chunk.get("choices") if isinstance(chunk, dict) else None
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []


def _event(chunk: Json, pieces: list[dict[str, Json]]) -> Json:
    """Return what a chunk reports beside the pieces of a choice; `None` for nothing."""
    if not isinstance(chunk, dict) or not isinstance(chunk.get("choices"), list):
        return chunk if chunk is not None else "null"
    if len(pieces) < len(chunk["choices"]):
        return {"choices": [choice for choice in chunk["choices"] if not isinstance(choice, dict)]}
    names = (_ERROR,) if pieces else [name for name in chunk if name not in _AROUND]
    return {name: chunk[name] for name in names if chunk.get(name) is not None} or None


def _add(choice: dict[str, Json], piece: dict[str, Json]) -> None:
    """Add a piece to a choice."""
    delta = piece.get("delta")
    fields: dict[str, Json] = delta if isinstance(delta, dict) else {"delta": delta}
    for text in (piece.get("text"), fields.get("content"), fields.get("text")):
        if type(text) is str:
            choice["text"].pieces.append(text)
        else:
            _join(choice, "content", text)
    if piece.get("finish_reason") is not None:
        choice["finish_reason"] = piece["finish_reason"]
    for source, names in ((piece, _OF_CHOICE), (fields, _OF_DELTA)):
        for name, value in source.items():
            if name not in names:
                _join(choice, name if name not in {"text", "finish_reason"} else f"delta {name}", value)


def _join(target: dict[str, Json], name: str, value: Json) -> None:
    """Add a value to what arrived before under a name: texts, objects and lists grow, other values replace."""
    old = target.get(name)
    if value is None:
        return
    if type(value) is str:
        text = old if isinstance(old, _Text) else _Text()
        if name in _TEXTS or text.pieces[-1:] != [value]:
            text.pieces.append(value)
        target[name] = text
    elif isinstance(value, dict):
        inner = old if isinstance(old, dict) else {}
        for key, more in value.items():
            _join(inner, key, more)
        target[name] = inner
    elif isinstance(value, list):
        elements = old if isinstance(old, _Elements) else _Elements()
        for element in value:
            _join_element(elements, element)
        target[name] = elements
    else:
        target[name] = value


def _join_element(elements: _Elements, element: Json) -> None:
    """Add an element of a list to the one of its number, or at the end if it has none."""
    if not isinstance(element, dict):
        elements.values.append(element)
        return
    if "index" in element:
        call = elements.calls.setdefault(_number(element["index"]), {})
    else:
        call = {}
        elements.values.append(call)
    for name, value in element.items():
        if name not in _OF_ELEMENT:
            _join(call, name, value)


def _plain(value: Json) -> Json:
    """Return a joined value as JSON, with the elements of lists in the order of their numbers."""
    if isinstance(value, _Text):
        return "".join(value.pieces)
    if isinstance(value, _Elements):
        return [_plain(value.calls[index]) for index in sorted(value.calls, key=_order)] + [
            _plain(element) for element in value.values
        ]
    return {name: _plain(inner) for name, inner in value.items()} if isinstance(value, dict) else value


def _number(index: Json) -> str:
    return repr(index)[:_MAX_INDEX]  # Any JSON value, also an integer that no encoder of JSON writes.


def _order(index: str) -> tuple[int, str]:
    return len(index), index
