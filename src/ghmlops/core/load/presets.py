"""Presets: what a request of a known protocol looks like, so that a policy need not say it. Pure.

`open-inference` is the Open Inference Protocol, version 2 (KServe, Triton, MLServer): `POST /v2/models/NAME/infer`.
`openai-chat` is the chat completion of OpenAI and of the servers that speak like it, streamed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from ghmlops.core.policy.latency import JsonCheck

if TYPE_CHECKING:
    from ghmlops.core.policy.latency import Latency, Request

_JSON = {"content-type": "application/json"}
_ANSWERED = JsonCheck(path="outputs[0].name", matches=".")
_CHAT_KEYS = (
    "frequency_penalty", "ignore_eos", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "min_p",
    "min_tokens", "parallel_tool_calls", "presence_penalty", "reasoning_effort", "repetition_penalty",
    "response_format", "seed", "stop", "stream_options", "temperature", "tool_choice", "tools", "top_k",
    "top_logprobs", "top_p", "user",
)  # fmt: skip
_DATATYPES: dict[type, str] = {bool: "BOOL", int: "INT64", float: "FP64", str: "BYTES"}
_INT64 = range(-(2**63), 2**63)


def apply(policy: Latency) -> Latency:
    """Return the section with what its preset adds; whatever the policy says itself stays. Twice is as once."""
    if not policy.preset:
        return policy
    found = msgspec.structs.replace(
        policy,
        request=_completed(policy, policy.request),
        mix=tuple(_completed(policy, request) for request in policy.mix),
    )
    if policy.preset == "openai-chat" and not policy.stream:
        found = msgspec.structs.replace(found, stream="sse")
    return found


def _completed(policy: Latency, request: Request) -> Request:
    chat = policy.preset == "openai-chat"
    preset_path = "/v1/chat/completions" if chat else f"/v2/models/{quote(policy.model, safe='')}/infer"
    found = msgspec.structs.replace(
        request,
        path=preset_path if request.path == "/" else request.path,
        headers=_JSON | request.headers,
    )
    # A stream is checked by its end, and gRPC by the outputs of its message.
    if chat or policy.protocol == "grpc" or request.expect.json:
        return found
    return msgspec.structs.replace(found, expect=msgspec.structs.replace(request.expect, json=(_ANSWERED,)))


def body(policy: Latency, row: bytes) -> bytes:
    """Return the request body that the preset makes of one row of the payloads, a JSON object.

    Raises:
        ValueError: a sentence that says why the row cannot be used.
    """
    try:
        value = msgspec.json.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError(f"preset `{policy.preset}` needs a JSON object a row") from None
    if not isinstance(value, dict):
        raise ValueError(f"preset `{policy.preset}` needs a JSON object a row, got {_kind(value)}")  # noqa: TRY004
    if policy.preset == "openai-chat":
        return msgspec.json.encode(_chat(policy.model, value))
    return row if "inputs" in value else msgspec.json.encode({"inputs": _tensors(value)})


def _chat(model: str, row: dict[str, Any]) -> dict[str, Any]:
    messages = row.get("messages")
    if messages is None:
        prompt = row.get("prompt")
        if not isinstance(prompt, str):
            raise ValueError("preset `openai-chat` needs the column `messages` (a list), or `prompt` (text)")
        messages = [{"role": "user", "content": prompt}]
    if not isinstance(messages, list) or not messages:
        raise ValueError(f"`messages` must be a list of messages, got {_kind(messages)}")
    known = {key: row[key] for key in _CHAT_KEYS if row.get(key) is not None}
    return {"model": model, "messages": messages} | known | {"stream": True}


def _tensors(row: dict[str, Any]) -> list[dict[str, Any]]:
    if not row:
        raise ValueError("the row has no columns")
    return [_tensor(name, value) for name, value in row.items()]


def _tensor(name: str, value: object) -> dict[str, Any]:
    shape, data = _flat(value)
    kinds = {type(item) for item in data}
    if kinds == {int, float}:
        kinds, data = {float}, [float(item) for item in data]
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind not in _DATATYPES:
        what = _kind(data[0] if len(data) == 1 else data)
        raise ValueError(f"column `{name}` is {what}: expected numbers, booleans or text, all of one kind")
    if kind is int and not all(item in _INT64 for item in data):
        raise ValueError(f"column `{name}` holds a whole number that does not fit into 64 bits")
    return {"name": name, "shape": [1, *shape], "datatype": _DATATYPES[kind], "data": data}


def _flat(value: object) -> tuple[list[int], list[Any]]:
    """Return shape and values of lists within lists; all of one level must be of the same length."""
    if not isinstance(value, list):
        return [], [value]
    parts = [_flat(item) for item in value]
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
