"""Streamed chats as values: everything that the pieces contain, however it was cut."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answers.test_body import VALUES
from ghmlops.core.answers.stream import parse_stream
from ghmlops.core.answers.walk import differences

Chunk = dict[str, Any]


def delta(index: int = 0, **fields: Any) -> Chunk:
    """Return a chunk with a piece of one choice."""
    return {"id": "random", "choices": [{"index": index, "delta": fields}]}


def call(index: int, arguments: str, **more: Any) -> Chunk:
    """Return a chunk with a piece of the arguments of one call."""
    function = {key: value for key, value in more.items() if key == "name"} | {"arguments": arguments}
    rest = {key: value for key, value in more.items() if key != "name"}
    return delta(tool_calls=[{"index": index, **rest, "function": function}])


END: Chunk = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def value_of(*chunks: Any, end: Any = END) -> Any:
    """Return the value of a stream of these chunks."""
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in (*chunks, end)]
    body = parse_stream("".join([*lines, "data: [DONE]\n\n"]).encode())
    assert body is not None
    return body.value


def places(left: Any, right: Any) -> set[tuple[str, str]]:
    """Return path and aspect of each difference."""
    return {(place.path, place.aspect.value) for place in differences(left, right)}


PAID = [
    call(0, "", name="pay", id="c1", type="function"),
    call(1, '{"x"', name="log", id="c2", type="function"),
    call(0, '{"amou'),
    call(0, 'nt": 1}'),
    call(1, ": 2}"),
]


def test_calls_of_tools_are_joined_by_their_index() -> None:
    """Arguments arrive in pieces of several calls; ids are random, and say nothing."""
    calls = [
        {"type": "function", "function": {"name": "pay", "arguments": '{"amount": 1}'}},
        {"type": "function", "function": {"name": "log", "arguments": '{"x": 2}'}},
    ]
    assert value_of(*PAID) == {"choices": [{"text": "", "finish_reason": "stop", "tool_calls": calls}]}
    whole = [{"index": i, "id": f"other{i}", **one} for i, one in enumerate(calls)]
    assert value_of(delta(tool_calls=whole)) == value_of(*PAID)


@pytest.mark.parametrize(
    ("left", "right", "path"),
    [
        (
            [*PAID[:3], call(0, 'nt": 1}'), PAID[4]],
            [*PAID[:3], call(0, 'nt": 1000}'), PAID[4]],
            ".tool_calls[].function",
        ),
        ([delta(function_call={"arguments": "1"})], [delta(function_call={"arguments": "2"})], ".function_call"),
        ([delta(content="a", refusal="b")], [delta(content="a", refusal="c")], ".refusal"),
        ([delta(content="a")], [delta(content="a", reasoning_content="c")], ".reasoning_content"),
        ([delta(content=[{"text": "a"}])], [delta(content=[{"text": "b"}])], ".content[].text"),
        ([delta(more={"x": 1})], [delta(more={"x": 2})], ".more.x"),
        ([delta(content="a")], [delta(1, content="a")], ""),
    ],
)
def test_whatever_the_pieces_contain_is_compared(left: list[Chunk], right: list[Chunk], path: str) -> None:
    """A change outside of the text is a difference at its own path."""
    changes = places(value_of(*left), value_of(*right))
    assert changes
    assert all(place.startswith(f"$.choices[]{path}" if path else "$.choices") for place, _ in changes)


@pytest.mark.parametrize(
    "event", [{"error": {"message": "overloaded"}}, {"choices": [], "error": "x"}, {"choices": ["x"]}, "x", 3, [1]]
)
def test_an_event_that_is_no_piece_is_kept(event: Any) -> None:
    """A service that reports an error within the stream, and then ends it well, has not answered the same."""
    good, bad = value_of(delta(content="a")), value_of(delta(content="a"), event)
    assert len(bad["events"]) == 1
    assert places(good, bad) == {("$.events", "shape")}


def test_an_error_next_to_a_piece_is_kept() -> None:
    """Some services add it to the last piece."""
    error = {"code": 502}
    assert value_of(delta(content="a") | {"error": error})["events"] == [{"error": error}]
    assert "events" not in value_of(delta(content="a") | {"error": None})


def test_the_number_of_tokens_is_the_reported_one() -> None:
    """The cut of a text says nothing about its tokens, and without a report their number is unknown."""
    usage = {"id": "random", "choices": [], "usage": {"completion_tokens": 7}}
    assert value_of(delta(content="a b"), usage)["tokens"] == 7
    assert value_of(delta(content="a"), usage, usage | {"usage": {"completion_tokens": 9}})["tokens"] == 9
    assert set(value_of(delta(content="a b"))) == {"choices"}
    assert value_of(delta(content="a b")) == value_of(delta(content="a"), delta(content=" b"))


def test_choices_are_in_the_order_of_their_numbers() -> None:
    """Not in that of their arrival, nor in that of their digits."""
    pieces = [delta(index, content=str(index)) for index in (10, 0, 2)]
    assert [choice["text"] for choice in value_of(*pieces)["choices"]] == ["0", "2", "10"]


@given(st.text(max_size=30), st.lists(st.integers(0, 30), max_size=4), st.sampled_from(["content", "refusal", "args"]))
def test_the_cut_is_no_property_of_the_answer(text: str, cuts: list[int], where: str) -> None:
    """Any text, cut anywhere, is the same value; repeated heads (role, name) do not count twice."""

    def piece(part: str) -> Chunk:
        return (
            call(0, part, name="pay", type="function")
            if where == "args"
            else delta(0, role="assistant", **{where: part})
        )

    limits = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(limits)]
    assert value_of(*map(piece, pieces)) == value_of(piece(text))


@given(st.lists(VALUES, max_size=4), st.lists(VALUES, max_size=4))
def test_no_piece_raises(deltas: list[Any], choices: list[Any]) -> None:
    """A service may put anything in every place."""
    chunks = [{"choices": [{"index": one, "delta": one, "more": one, "text": one}]} for one in deltas]
    calls = [delta(tool_calls=one) for one in deltas] + [delta(tool_calls=[one]) for one in deltas]
    value = value_of(*chunks, *calls, {"choices": choices}, *choices)
    assert differences(value, value) == {}


def test_numbers_of_any_size_are_an_order() -> None:
    """A number that JSON's encoder refuses is one as well."""
    assert len(value_of(delta(10**30, content="a"), delta(tool_calls=[{"index": 10**30, "x": 1}]))["choices"]) == 2
