"""What the events of known streaming APIs carry: one reader per API. Pure.

A reader returns `None` for an event that is not of its API. Only events that carry generated text, reasoning or a tool
call are tokens; those that only structure the answer are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Part(IntEnum):
    """What an event carries. Text and tool calls are output that the caller can use; reasoning precedes it."""

    NONE = 0
    REASONING = 1
    TOOL = 2
    OUTPUT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One event of a stream.

    Attributes:
        part: What it carries; anything but `NONE` is a token.
        ends: Whether the answer is complete with this event.
        failed: Whether it reports a failure.
        usage: Number of generated tokens so far, as the service counts them; 0 if the event does not say.
        recognised: Whether it belongs to a known API, whose streams end with an end marker.
        substance: Whether the answer is not empty although the event is no token: the start of a tool call.
    """

    part: Part
    ends: bool = False
    failed: bool = False
    usage: int = 0
    recognised: bool = False
    substance: bool = False


_FAILED_REASONS = frozenset(
    {
        "error", "abort", "aborted", "timeout", "error_toxic", "error_limit", "network_error", "user_cancel",
        "insufficient_system_resource", "content_filter", "content-filter", "content_filtered", "refusal", "safety",
        "recitation", "blocklist", "prohibited_content", "spii", "malformed_function_call", "image_safety", "language",
        "guardrail_intervened",
    }
)  # fmt: skip
"""Finish reasons, in lower case, of an answer that the service did not complete: it failed, or a filter ended it."""
_REASONING_KEYS = ("reasoning_content", "reasoning", "reasoning_details", "thinking")
_COHERE_EVENTS = frozenset(
    {
        "message-start", "message-end", "content-start", "content-delta", "content-end", "tool-plan-delta",
        "tool-call-start", "tool-call-delta", "tool-call-end", "citation-start", "citation-end",
    }
)  # fmt: skip
_COHERE_1_EVENTS = frozenset(
    {
        "stream-start", "search-queries-generation", "search-results", "text-generation", "citation-generation",
        "tool-calls-generation", "tool-calls-chunk", "stream-end",
    }
)  # fmt: skip
_TOOL_ITEMS = ("function_call", "custom_tool_call", "mcp_call", "tool_use", "server_tool_use", "mcp_tool_use")


def mapping(value: object) -> Mapping[str, Any]:
    """Return the value if it is an object, otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[Mapping[str, Any]]:
    return [mapping(item) for item in value] if isinstance(value, list) else []


def _count(value: object) -> int:
    valid = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31
    return value if valid else 0  # type: ignore[return-value]


def _failed(reason: object) -> bool:
    """Return whether a finish reason stands for an incomplete answer; SGLang writes an object with its type."""
    text = mapping(reason).get("type", reason)
    return isinstance(text, str) and text.lower() in _FAILED_REASONS


def _event(part: Part, reason: object = None, usage: int = 0, **more: bool) -> StreamEvent:
    """Return an event of a known API; a finish reason ends the answer."""
    ends = more.pop("ends", False) or reason is not None
    return StreamEvent(part=part, ends=ends, failed=_failed(reason), usage=usage, recognised=True, **more)


def _content_part(content: object) -> Part:
    """Return what the `content` of a delta carries: text, or a list of items (Mistral)."""
    if isinstance(content, str):
        return Part.OUTPUT if content else Part.NONE
    parts = [
        Part.REASONING if item.get("type") == "thinking" else Part.OUTPUT
        for item in _items(content)
        if item.get("text") or item.get("thinking")
    ]
    return max(parts, default=Part.NONE)


def _delta_part(delta: Mapping[str, Any]) -> Part:
    part = _content_part(delta.get("content"))
    if part is Part.OUTPUT or delta.get("refusal") or delta.get("audio") or delta.get("images"):
        return Part.OUTPUT
    if delta.get("tool_calls") or delta.get("function_call"):
        return Part.TOOL
    return Part.REASONING if part or any(delta.get(key) for key in _REASONING_KEYS) else Part.NONE


def _completions(value: Mapping[str, Any]) -> StreamEvent | None:
    """OpenAI chat and text completions, and the servers that are compatible with them."""
    if not isinstance(value.get("choices"), list):
        return None
    parts, reason = [Part.NONE], None
    for choice in _items(value["choices"]):
        delta = mapping(choice.get("delta") or choice.get("message"))
        parts.append(max(_delta_part(delta), _content_part(choice.get("text"))))
        finish = choice.get("finish_reason") or None
        reason = finish if reason is None or _failed(finish) else reason
    return _event(max(parts), reason, _count(mapping(value.get("usage")).get("completion_tokens")))


def _responses(value: Mapping[str, Any]) -> StreamEvent | None:
    """OpenAI Responses: deltas are tokens; created, in_progress, added and done only structure the answer."""
    kind = value.get("type")
    if not isinstance(kind, str) or not kind.startswith("response."):
        return None
    if kind.endswith(".delta"):
        tool = any(word in kind for word in ("arguments", "tool_call", "mcp_call", "code_interpreter"))
        part = Part.REASONING if "reasoning" in kind else Part.TOOL if tool else Part.OUTPUT
        return _event(part if value.get("delta") else Part.NONE)
    response = mapping(value.get("response"))
    usage = _count(mapping(response.get("usage")).get("output_tokens"))
    if kind == "response.incomplete":
        return _event(Part.NONE, mapping(response.get("incomplete_details")).get("reason") or "incomplete", usage)
    item = mapping(value.get("item")).get("type")
    return _event(Part.NONE, usage=usage, ends=kind == "response.completed", substance=item in _TOOL_ITEMS)


def _messages(value: Mapping[str, Any]) -> StreamEvent | None:
    """Anthropic Messages. The stop reason precedes `message_stop`, which alone ends the stream."""
    kind = value.get("type")
    if kind not in ("message_start", "message_delta", "message_stop") and not str(kind).startswith("content_block_"):
        return None
    delta = mapping(value.get("delta"))
    part = Part.NONE
    if kind == "content_block_delta":
        part = (delta.get("text") and Part.OUTPUT) or (delta.get("thinking") and Part.REASONING) or part
        part = Part.TOOL if delta.get("partial_json") else part
    return StreamEvent(
        part=part,
        ends=kind == "message_stop",
        failed=_failed(delta.get("stop_reason")),
        usage=_count(mapping(value.get("usage")).get("output_tokens")),
        recognised=True,
        substance=mapping(value.get("content_block")).get("type") in _TOOL_ITEMS,
    )


def _gemini(value: Mapping[str, Any]) -> StreamEvent | None:
    """Gemini and Vertex AI."""
    if not isinstance(value.get("candidates"), list) and not {"promptFeedback", "usageMetadata"} & value.keys():
        return None
    if mapping(value.get("promptFeedback")).get("blockReason"):
        return StreamEvent(part=Part.NONE, failed=True, recognised=True)
    parts, reason = [Part.NONE], None
    for candidate in _items(value.get("candidates")):
        reason = candidate.get("finishReason") or reason
        for item in _items(mapping(candidate.get("content")).get("parts")):
            if item.get("functionCall"):
                parts.append(Part.TOOL)
            elif item.get("text") or item.get("inlineData"):
                parts.append(Part.REASONING if item.get("thought") else Part.OUTPUT)
    usage = mapping(value.get("usageMetadata"))
    return _event(
        max(parts), reason, _count(usage.get("candidatesTokenCount")) + _count(usage.get("thoughtsTokenCount"))
    )


def _cohere(value: Mapping[str, Any]) -> StreamEvent | None:
    """Cohere chat, version 2."""
    kind, delta = value.get("type"), mapping(value.get("delta"))
    if not isinstance(kind, str) or kind not in _COHERE_EVENTS:
        return None
    message = mapping(delta.get("message"))
    content = mapping(message.get("content"))
    if kind == "content-delta" and content.get("text"):
        part = Part.OUTPUT
    elif kind == "content-delta":
        part = Part.REASONING if content.get("thinking") else Part.NONE
    elif kind == "tool-call-delta":
        part = Part.TOOL if message.get("tool_calls") else Part.NONE
    else:
        part = Part.REASONING if message.get("tool_plan") else Part.NONE
    reason = delta.get("finish_reason") or "complete" if kind == "message-end" else None
    usage = _count(mapping(mapping(delta.get("usage")).get("tokens")).get("output_tokens"))
    return _event(part, reason, usage, substance=kind == "tool-call-start")


def _cohere_1(value: Mapping[str, Any]) -> StreamEvent | None:
    """Cohere chat, version 1."""
    kind = value.get("event_type")
    if not isinstance(kind, str) or kind not in _COHERE_1_EVENTS:
        return None
    reason = value.get("finish_reason") or "complete" if kind == "stream-end" else None
    text = kind == "text-generation" and value.get("text")
    return _event(Part.OUTPUT if text else Part.TOOL if kind == "tool-calls-chunk" else Part.NONE, reason)


def _native(value: Mapping[str, Any]) -> StreamEvent | None:
    """The native streams of TGI, llama.cpp, Ollama, SGLang and Triton."""
    token = value.get("token")
    if isinstance(token, dict) and "text" in token:  # TGI
        details = mapping(value.get("details"))
        ends = value.get("generated_text") is not None
        part = Part.OUTPUT if token["text"] and not token.get("special") else Part.NONE
        return _event(part, details.get("finish_reason"), _count(details.get("generated_tokens")), ends=ends)
    if isinstance(value.get("stop"), bool) and isinstance(value.get("content"), str):  # llama.cpp
        usage = _count(value.get("tokens_predicted"))
        return _event(Part.OUTPUT if value["content"] else Part.NONE, usage=usage, ends=value["stop"])
    if isinstance(value.get("done"), bool) and ("response" in value or "message" in value):  # Ollama
        part = max(_delta_part(mapping(value.get("message"))), _content_part(value.get("response")))
        part = part or (Part.REASONING if value.get("thinking") else Part.NONE)
        reason = value.get("done_reason") if value["done"] else None
        return _event(part, reason, _count(value.get("eval_count")), ends=value["done"])
    meta = value.get("meta_info")
    if isinstance(meta, dict):  # SGLang
        part = Part.OUTPUT if value.get("text") or value.get("output_ids") else Part.NONE
        return _event(part, meta.get("finish_reason"), _count(meta.get("completion_tokens")))
    if isinstance(value.get("text_output"), str):  # Triton and MLServer, whose streams have no end marker
        return StreamEvent(part=Part.OUTPUT if value["text_output"] else Part.NONE)
    return None


READERS: tuple[Callable[[Mapping[str, Any]], StreamEvent | None], ...] = (
    _completions, _responses, _messages, _gemini, _cohere, _cohere_1, _native,
)  # fmt: skip
"""One reader per API, in the order in which they are tried."""
