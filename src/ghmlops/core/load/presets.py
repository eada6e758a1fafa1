"""Request presets for known protocols, so that a policy does not have to describe their requests.

`open-inference` is the Open Inference Protocol, version 2 (KServe, Triton, MLServer): `POST /v2/models/NAME/infer`.
`openai-chat` and `openai-responses` are the streamed APIs of OpenAI and of compatible servers; `anthropic-messages` is
that of Anthropic and of compatible servers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from ghmlops.core.policy.latency import STREAMED_PRESETS, JsonCheck

if TYPE_CHECKING:
    from ghmlops.core.policy.latency import Latency, Request

_JSON_HEADERS = {"content-type": "application/json"}
_HAS_OUTPUT = JsonCheck(path="outputs[0].name", matches=".")
_CHAT_KEYS = (
    "frequency_penalty", "ignore_eos", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "min_p",
    "min_tokens", "parallel_tool_calls", "presence_penalty", "reasoning_effort", "repetition_penalty",
    "response_format", "seed", "stop", "stream_options", "temperature", "tool_choice", "tools", "top_k",
    "top_logprobs", "top_p", "user",
)  # fmt: skip
_RESPONSES_KEYS = (
    "frequency_penalty", "include", "instructions", "max_output_tokens", "max_tool_calls", "metadata",
    "parallel_tool_calls", "presence_penalty", "prompt_cache_key", "reasoning", "seed", "service_tier", "store",
    "temperature", "text", "tool_choice", "tools", "top_k", "top_logprobs", "top_p", "truncation", "user",
)  # fmt: skip
_MESSAGES_KEYS = (
    "max_tokens", "metadata", "service_tier", "stop_sequences", "system", "temperature", "thinking", "tool_choice",
    "tools", "top_k", "top_p",
)  # fmt: skip
DEFAULT_MAX_TOKENS = 1024
"""`max_tokens` of `anthropic-messages` if the row has none: the API requires one."""
_PATHS = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic-messages": "/v1/messages",
}
_PARAMETERS: dict[str, tuple[str, ...]] = {
    "openai-chat": _CHAT_KEYS,
    "openai-responses": _RESPONSES_KEYS,
    "anthropic-messages": _MESSAGES_KEYS,
}
_HEADERS = {"anthropic-messages": {"anthropic-version": "2023-06-01"}}
_DATATYPES: dict[type, str] = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}
_INT64 = range(-(2**63), 2**63)


def apply(policy: Latency) -> Latency:
    """Return the section `latency` completed by its preset. Values that the policy sets are kept. Idempotent."""
    if not policy.preset:
        return policy
    result = msgspec.structs.replace(
        policy,
        request=_complete(policy, policy.request),
        mix=tuple(_complete(policy, request) for request in policy.mix),
    )
    if policy.preset in STREAMED_PRESETS and not policy.stream:
        result = msgspec.structs.replace(result, stream="sse")
    return result


def stream_parser(policy: Latency) -> str:
    """Return how the load generator splits responses: events of a preset must belong to a known API."""
    return "sse-api" if policy.stream == "sse" and policy.preset in STREAMED_PRESETS else policy.stream


def _complete(policy: Latency, request: Request) -> Request:
    streamed = policy.preset in STREAMED_PRESETS
    preset_path = _PATHS.get(policy.preset) or f"/v2/models/{quote(policy.model, safe='')}/infer"
    result = msgspec.structs.replace(
        request,
        path=preset_path if request.path == "/" else request.path,
        headers=_JSON_HEADERS | _HEADERS.get(policy.preset, {}) | request.headers,
    )
    # A stream is checked by its end marker, and a gRPC response by the outputs of its message.
    if streamed or policy.protocol == "grpc" or request.expect.json:
        return result
    return msgspec.structs.replace(result, expect=msgspec.structs.replace(request.expect, json=(_HAS_OUTPUT,)))


def body(policy: Latency, row: bytes) -> bytes:
    """Return the request body that the preset builds from one payload row, a JSON object.

    Raises:
        ValueError: The row cannot be converted; the message names the column.
    """
    try:
        value = msgspec.json.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError(f"preset `{policy.preset}` requires one JSON object per row") from None
    if not isinstance(value, dict):
        raise ValueError(  # noqa: TRY004
            f"preset `{policy.preset}` requires one JSON object per row, got {_kind(value)}"
        )
    if policy.preset in STREAMED_PRESETS:
        return msgspec.json.encode(_streamed_request(policy, value))
    return row if "inputs" in value else msgspec.json.encode({"inputs": _tensors(value)})


def _streamed_request(policy: Latency, row: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any]
    if policy.preset == "openai-responses":
        request = {"input": _input(row)}
    elif policy.preset == "anthropic-messages":
        request = {"messages": _messages(policy.preset, row), "max_tokens": DEFAULT_MAX_TOKENS}
    else:
        request = {"messages": _messages(policy.preset, row)}
    parameters = {key: row[key] for key in _PARAMETERS[policy.preset] if row.get(key) is not None}
    return {"model": policy.model} | request | parameters | {"stream": True}


def _messages(preset: str, row: dict[str, Any]) -> list[Any]:
    messages = row.get("messages")
    if messages is None:
        prompt = row.get("prompt")
        if not isinstance(prompt, str):
            raise ValueError(f"preset `{preset}` requires the column `messages` (a list), or `prompt` (text)")
        messages = [{"role": "user", "content": prompt}]
    if not isinstance(messages, list) or not messages:
        raise ValueError(f"`messages` must be a list of messages, got {_kind(messages)}")
    return messages


def _input(row: dict[str, Any]) -> str | list[Any]:
    """Return the `input` of a request to the Responses API: text or a list of items."""
    value = next((row[key] for key in ("input", "messages", "prompt") if row.get(key) is not None), None)
    if not isinstance(value, str | list) or not value:
        raise ValueError(
            "preset `openai-responses` requires the column `input`, `messages` (a list) or `prompt` (text)"
        )
    return value


def _tensors(row: dict[str, Any]) -> list[dict[str, Any]]:
    if not row:
        raise ValueError("the row has no columns")
    return [_tensor(name, value) for name, value in row.items()]


def _tensor(name: str, value: object) -> dict[str, Any]:
    shape, data = _flatten(value)
    types = {type(item) for item in data}
    if types == {int, float}:
        types, data = {float}, [float(item) for item in data]
    item_type = types.pop() if len(types) == 1 else None
    if item_type not in _DATATYPES:
        kind = _kind(data[0] if len(data) == 1 else data)
        raise ValueError(f"column `{name}` is {kind}: expected numbers, booleans or text, all of the same type")
    if item_type is int and not all(item in _INT64 for item in data):
        raise ValueError(f"column `{name}` contains an integer that does not fit into 64 bits")
    return {"name": name, "shape": [1, *shape], "datatype": _DATATYPES[item_type], "data": data}


def _flatten(value: object) -> tuple[list[int], list[Any]]:
    """Return the shape and the values of nested lists; lists of the same level must have the same length."""
    if not isinstance(value, list):
        return [], [value]
    parts = [_flatten(item) for item in value]
    shapes = [shape for shape, _ in parts]
    if not parts or any(shape != shapes[0] for shape in shapes):
        return [0], [value]
    return [len(value), *shapes[0]], [item for _, items in parts for item in items]


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a number"}
    if isinstance(value, list) and not value:
        return "an empty list"
    return names[type(value)]
