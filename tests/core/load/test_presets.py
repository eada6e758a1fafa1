"""Presets: what they add to a policy, and the request bodies that they build from payload rows."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from ghmlops.core.load import presets
from ghmlops.core.policy.latency import Expect, JsonCheck, Latency, Request

INFERENCE = Latency(preset="open-inference", model="click scorer/2")
CHAT = Latency(preset="openai-chat", model="tiny")


def test_open_inference_completes_the_request() -> None:
    """It adds the path with the encoded model name, the content type, and a check that the response has outputs."""
    result = presets.apply(INFERENCE)
    assert result.request.method == "POST"
    assert result.request.path == "/v2/models/click%20scorer%2F2/infer"
    assert result.request.headers == {"content-type": "application/json"}
    assert result.request.expect.json == (JsonCheck(path="outputs[0].name", matches="."),)
    assert result.stream == ""


def test_openai_chat_completes_the_request() -> None:
    """It adds the path, the content type, and a stream of server-sent events."""
    result = presets.apply(CHAT)
    assert result.request.path == "/v1/chat/completions"
    assert result.request.headers == {"content-type": "application/json"}
    assert result.stream == "sse"
    assert result.request.expect == Expect()


def test_values_of_the_policy_are_kept() -> None:
    """Path, stream, timeout and checks of the policy take precedence; headers are merged."""
    check = Expect(json=(JsonCheck(path="a", equals="1"),), contains="x")
    headers = {"content-type": "application/x", "authorization": "t"}
    request = Request(path="/mine", headers=headers, expect=check, timeout=3.0)
    result = presets.apply(Latency(preset="open-inference", model="m", request=request))
    assert result.request == request
    chunked = presets.apply(Latency(preset="openai-chat", model="m", stream="chunked"))
    assert chunked.stream == "chunked"


def test_other_checks_are_combined_with_those_of_the_preset() -> None:
    """A check of the status or the size does not remove the check of the outputs."""
    result = presets.apply(Latency(preset="open-inference", model="m", request=Request(expect=Expect(largest=9))))
    assert result.request.expect == Expect(largest=9, json=(JsonCheck(path="outputs[0].name", matches="."),))


def test_every_endpoint_of_a_mix_is_completed() -> None:
    """Endpoints of a mix keep their paths; the headers are added to each of them."""
    mix = (Request(path="/v2/models/a/infer", headers={"x": "1"}), Request(path="/"))
    result = presets.apply(Latency(preset="open-inference", model="b", mix=mix))
    assert [endpoint.path for endpoint in result.endpoints] == ["/v2/models/a/infer", "/v2/models/b/infer"]
    assert [dict(endpoint.headers) for endpoint in result.endpoints] == [
        {"content-type": "application/json", "x": "1"},
        {"content-type": "application/json"},
    ]


@pytest.mark.parametrize("policy", [INFERENCE, CHAT, Latency(), Latency(request=Request(path="/x"))])
def test_applying_a_preset_is_idempotent(policy: Latency) -> None:
    """Applying a preset again changes nothing; a policy without a preset is returned as it is."""
    once = presets.apply(policy)
    assert presets.apply(once) == once
    if not policy.preset:
        assert once is policy


@pytest.mark.parametrize(
    ("value", "tensor"),
    [
        (1.5, {"shape": [1], "datatype": "FP64", "data": [1.5]}),
        (3, {"shape": [1], "datatype": "INT64", "data": [3]}),
        (True, {"shape": [1], "datatype": "BOOL", "data": [True]}),
        ("de", {"shape": [1], "datatype": "BYTES", "data": ["de"]}),
        ([1, 2, 3], {"shape": [1, 3], "datatype": "INT64", "data": [1, 2, 3]}),
        ([1, 2.5], {"shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.5]}),
        (["a", "b"], {"shape": [1, 2], "datatype": "BYTES", "data": ["a", "b"]}),
        ([[1, 2], [3, 4], [5, 6]], {"shape": [1, 3, 2], "datatype": "INT64", "data": [1, 2, 3, 4, 5, 6]}),
        (-(2**63), {"shape": [1], "datatype": "INT64", "data": [-(2**63)]}),
    ],
)
def test_a_column_becomes_a_tensor(value: object, tensor: dict[str, Any]) -> None:
    """Numbers, booleans, text and lists of them become tensors with their datatype and shape."""
    body = presets.body(INFERENCE, json.dumps({"x": value}).encode())
    assert json.loads(body) == {"inputs": [{"name": "x"} | tensor]}


def test_columns_keep_their_order() -> None:
    """The request has one tensor per column, in the order of the row."""
    body = presets.body(INFERENCE, b'{"b": 1, "a": 2.0, "c": "x"}')
    assert [tensor["name"] for tensor in json.loads(body)["inputs"]] == ["b", "a", "c"]


def test_a_row_that_is_a_request_is_passed_through_unchanged() -> None:
    """Rows with `inputs` are not changed, valid or not, so that the service receives them."""
    row = b'{"inputs" : [ {"name": "x"} ], "id": "7"}'
    assert presets.body(INFERENCE, row) is row


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"[1]", "JSON object .*, got a list"),
        (b"null", "JSON object .*, got null"),
        (b"{", "JSON object"),
        (b"\xff", "JSON object"),
        (b'{"a": NaN}', "JSON object"),
        (b"{}", "the row has no columns"),
        (b'{"a": null}', "column `a` is null"),
        (b'{"a": []}', "column `a` is an empty list"),
        (b'{"a": {"b": 1}}', "column `a` is an object"),
        (b'{"a": [1, "b"]}', "column `a` is a list"),
        (b'{"a": [true, 1]}', "column `a` is a list"),
        (b'{"a": [1, null]}', "column `a` is a list"),
        (b'{"a": [[1], [1, 2]]}', "column `a` is a list"),
        (b'{"a": [[], []]}', "column `a` is a list"),
        (b'{"a": 9223372036854775808}', "column `a` .* 64 bits"),
    ],
)
def test_rows_that_cannot_be_tensors(row: bytes, message: str) -> None:
    """Values that a tensor cannot represent are refused; the message names the column."""
    with pytest.raises(ValueError, match=message):
        presets.body(INFERENCE, row)


def test_a_prompt_becomes_a_message() -> None:
    """The prompt becomes one message with the role `user`, and a stream is requested."""
    assert json.loads(presets.body(CHAT, b'{"prompt": "Why?"}')) == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Why?"}],
        "stream": True,
    }


def test_messages_and_chat_parameters_are_passed_on() -> None:
    """Messages and parameters of the API are passed on; other columns, nulls and `stream: false` are not."""
    row = {
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        "max_tokens": 7, "temperature": 0.5, "stop": None, "id": 3, "stream": False, "model": "other",
    }  # fmt: skip
    assert json.loads(presets.body(CHAT, json.dumps(row).encode())) == {
        "model": "tiny",
        "messages": row["messages"],
        "max_tokens": 7,
        "temperature": 0.5,
        "stream": True,
    }


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b'{"text": "a"}', "column `messages`"),
        (b'{"prompt": 3}', "`prompt`"),
        (b'{"messages": []}', "`messages` must be a list of messages, got an empty list"),
        (b'{"messages": "hello"}', "`messages` must be a list of messages, got text"),
        (b'"hello"', "JSON object .*, got text"),
    ],
)
def test_rows_without_a_prompt_are_refused(row: bytes, message: str) -> None:
    """The message names the columns that are missing or invalid."""
    with pytest.raises(ValueError, match=message):
        presets.body(CHAT, row)


def test_the_responses_preset_builds_a_request() -> None:
    """`input` is the column of that name, the messages or the prompt; unknown columns are not sent."""
    policy = presets.apply(Latency(preset="openai-responses", model="tiny"))
    assert (policy.request.path, policy.stream, presets.stream_parser(policy)) == ("/v1/responses", "sse", "sse-api")
    rows: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"prompt": "a", "max_output_tokens": 5, "id": 7}, {"input": "a", "max_output_tokens": 5}),
        ({"messages": [{"role": "user", "content": "a"}]}, {"input": [{"role": "user", "content": "a"}]}),
        ({"input": "b", "prompt": "a"}, {"input": "b"}),
    ]
    for row, body in rows:
        built = msgspec.json.decode(presets.body(policy, msgspec.json.encode(row)))
        assert built == {"model": "tiny", "stream": True} | body


def test_the_messages_preset_builds_a_request() -> None:
    """`max_tokens` and the version header are required by the API and have defaults, which the policy can override."""
    policy = presets.apply(Latency(preset="anthropic-messages", model="tiny"))
    assert policy.request.path == "/v1/messages"
    assert policy.request.headers["anthropic-version"] == "2023-06-01"
    built = msgspec.json.decode(presets.body(policy, b'{"prompt": "a", "system": "s"}'))
    messages = [{"role": "user", "content": "a"}]
    assert built == {"model": "tiny", "messages": messages, "max_tokens": 1024, "system": "s", "stream": True}
    assert msgspec.json.decode(presets.body(policy, b'{"prompt": "a", "max_tokens": 9}'))["max_tokens"] == 9
    other = presets.apply(Latency(preset="anthropic-messages", request=Request(headers={"anthropic-version": "x"})))
    assert other.request.headers["anthropic-version"] == "x"


@pytest.mark.parametrize("preset", ["openai-chat", "openai-responses", "anthropic-messages"])
@pytest.mark.parametrize("row", [b"{}", b'{"prompt": 7}', b'{"messages": []}', b'{"messages": {"a": 1}}', b"[1]"])
def test_a_row_without_a_prompt_is_refused(preset: Any, row: bytes) -> None:
    """A row that contains no text or messages cannot be converted; the message names the preset or the column."""
    with pytest.raises(ValueError, match=r"preset|messages"):
        presets.body(Latency(preset=preset, model="tiny"), row)
