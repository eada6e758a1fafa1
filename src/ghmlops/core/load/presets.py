"""Request presets for known protocols, so that a policy does not have to describe their requests.

`open-inference` is the Open Inference Protocol, version 2 (KServe, Triton, MLServer): `POST /v2/models/NAME/infer`.
`openai-chat` is the streamed chat completion API of OpenAI and of compatible servers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from ghmlops.core.policy.latency import JsonCheck

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
    if policy.preset == "openai-chat" and not policy.stream:
        result = msgspec.structs.replace(result, stream="sse")
    return result


def _complete(policy: Latency, request: Request) -> Request:
    chat = policy.preset == "openai-chat"
    preset_path = "/v1/chat/completions" if chat else f"/v2/models/{quote(policy.model, safe='')}/infer"
    result = msgspec.structs.replace(
        request,
        path=preset_path if request.path == "/" else request.path,
        headers=_JSON_HEADERS | request.headers,
    )
    # A stream is checked by its end marker, and a gRPC response by the outputs of its message.
    if chat or policy.protocol == "grpc" or request.expect.json:
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
    if policy.preset == "openai-chat":
        return msgspec.json.encode(_chat_request(policy.model, value))
    return row if "inputs" in value else msgspec.json.encode({"inputs": _tensors(value)})


def _chat_request(model: str, row: dict[str, Any]) -> dict[str, Any]:
    messages = row.get("messages")
    if messages is None:
        prompt = row.get("prompt")
        if not isinstance(prompt, str):
            raise ValueError("preset `openai-chat` requires the column `messages` (a list), or `prompt` (text)")
        messages = [{"role": "user", "content": prompt}]
    if not isinstance(messages, list) or not messages:
        raise ValueError(f"`messages` must be a list of messages, got {_kind(messages)}")
    parameters = {key: row[key] for key in _CHAT_KEYS if row.get(key) is not None}
    return {"model": model, "messages": messages} | parameters | {"stream": True}


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
