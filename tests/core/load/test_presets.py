"""Presets: what they add to a policy, and the bodies that they make of payload rows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ghmlops.core.load import presets
from ghmlops.core.policy.latency import Expect, JsonCheck, Latency, Request

INFERENCE = Latency(preset="open-inference", model="click scorer/2")
CHAT = Latency(preset="openai-chat", model="tiny")


def test_open_inference_fills_in_the_request() -> None:
    """Path with the encoded name of the model, content type, and outputs that must be there."""
    found = presets.apply(INFERENCE)
    assert found.request.method == "POST"
    assert found.request.path == "/v2/models/click%20scorer%2F2/infer"
    assert found.request.headers == {"content-type": "application/json"}
    assert found.request.expect.json == (JsonCheck(path="outputs[0].name", matches="."),)
    assert found.stream == ""


def test_openai_chat_fills_in_the_request() -> None:
    """Path, content type, and a stream of server-sent events."""
    found = presets.apply(CHAT)
    assert found.request.path == "/v1/chat/completions"
    assert found.request.headers == {"content-type": "application/json"}
    assert found.stream == "sse"
    assert found.request.expect == Expect()


def test_what_the_policy_says_stays() -> None:
    """Path, headers, stream, timeout and checks of the policy are kept; headers are merged."""
    check = Expect(json=(JsonCheck(path="a", equals="1"),), contains="x")
    headers = {"content-type": "application/x", "authorization": "t"}
    given = Request(path="/mine", headers=headers, expect=check, timeout=3.0)
    found = presets.apply(Latency(preset="open-inference", model="m", request=given))
    assert found.request == given
    chunked = presets.apply(Latency(preset="openai-chat", model="m", stream="chunked"))
    assert chunked.stream == "chunked"


def test_other_checks_are_joined_with_the_presets() -> None:
    """A status or a size asked for does not take the check of the outputs away."""
    found = presets.apply(Latency(preset="open-inference", model="m", request=Request(expect=Expect(largest=9))))
    assert found.request.expect == Expect(largest=9, json=(JsonCheck(path="outputs[0].name", matches="."),))


def test_every_endpoint_of_a_mix_is_filled_in() -> None:
    """Endpoints of a mix name their paths; the headers are added to each."""
    mix = (Request(path="/v2/models/a/infer", headers={"x": "1"}), Request(path="/"))
    found = presets.apply(Latency(preset="open-inference", model="b", mix=mix))
    assert [endpoint.path for endpoint in found.endpoints] == ["/v2/models/a/infer", "/v2/models/b/infer"]
    assert [dict(endpoint.headers) for endpoint in found.endpoints] == [
        {"content-type": "application/json", "x": "1"},
        {"content-type": "application/json"},
    ]


@pytest.mark.parametrize("policy", [INFERENCE, CHAT, Latency(), Latency(request=Request(path="/x"))])
def test_twice_is_as_once(policy: Latency) -> None:
    """Applying a preset again changes nothing; without one nothing is changed at all."""
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
    """Numbers, booleans, text and lists of them, each with its datatype and shape."""
    body = presets.body(INFERENCE, json.dumps({"x": value}).encode())
    assert json.loads(body) == {"inputs": [{"name": "x"} | tensor]}


def test_columns_keep_their_order() -> None:
    """One tensor a column, in the order of the row."""
    body = presets.body(INFERENCE, b'{"b": 1, "a": 2.0, "c": "x"}')
    assert [tensor["name"] for tensor in json.loads(body)["inputs"]] == ["b", "a", "c"]


def test_a_row_that_is_a_request_is_passed_through_to_the_byte() -> None:
    """Rows with `inputs` are not touched, good or bad: the service is to see them."""
    row = b'{"inputs" : [ {"name": "x"} ], "id": "7"}'
    assert presets.body(INFERENCE, row) is row


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (b"[1]", "needs a JSON object a row, got a list"),
        (b"null", "needs a JSON object a row, got null"),
        (b"{", "needs a JSON object a row"),
        (b"\xff", "needs a JSON object a row"),
        (b'{"a": NaN}', "needs a JSON object a row"),
        (b"{}", "the row has no columns"),
        (b'{"a": null}', "column `a` is null"),
        (b'{"a": []}', "column `a` is an empty list"),
        (b'{"a": {"b": 1}}', "column `a` is an object"),
        (b'{"a": [1, "b"]}', "column `a` is a list"),
        (b'{"a": [true, 1]}', "column `a` is a list"),
        (b'{"a": [1, null]}', "column `a` is a list"),
        (b'{"a": [[1], [1, 2]]}', "column `a` is a list"),
        (b'{"a": [[], []]}', "column `a` is a list"),
        (b'{"a": 9223372036854775808}', "does not fit into 64 bits"),
    ],
)
def test_rows_that_cannot_be_tensors(row: bytes, told: str) -> None:
    """What has no place in a tensor is refused with a sentence that names the column."""
    with pytest.raises(ValueError, match=told):
        presets.body(INFERENCE, row)


def test_a_prompt_becomes_a_message() -> None:
    """Text becomes one message of the user; the answer is asked for as a stream."""
    assert json.loads(presets.body(CHAT, b'{"prompt": "Why?"}')) == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Why?"}],
        "stream": True,
    }


def test_messages_and_known_keys_are_passed() -> None:
    """Messages stay as they are; known settings go along; other columns, nulls and a `stream: false` do not."""
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
    ("row", "told"),
    [
        (b'{"text": "a"}', "needs the column `messages`"),
        (b'{"prompt": 3}', "or `prompt`"),
        (b'{"messages": []}', "`messages` must be a list of messages, got an empty list"),
        (b'{"messages": "hello"}', "`messages` must be a list of messages, got text"),
        (b'"hello"', "needs a JSON object a row, got text"),
    ],
)
def test_rows_that_are_no_chat(row: bytes, told: str) -> None:
    """A row without a prompt is refused with a sentence."""
    with pytest.raises(ValueError, match=told):
        presets.body(CHAT, row)
