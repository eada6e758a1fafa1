"""Streamed answers: the final text counts, not how it was cut; every stream is a value or a kind."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service import events
from ghmlops.core.answers.answer import Answer, AnswerKind
from ghmlops.core.answers.body import BodyKind
from ghmlops.core.answers.rules import Rules
from ghmlops.core.answers.stream import UNFINISHED, changed_words, parse_stream, read_body
from ghmlops.core.answers.walk import Aspect, Place, differences


def chat(*pieces: str, finish: str | None = "stop", done: bool = True) -> bytes:
    chunks = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def test_a_chat_is_its_text() -> None:
    """Comments and the end marker are no part of the answer, usage is none of the text; the content type decides."""
    stream = b"".join(events("usage", 3))
    answer = Answer(kind=AnswerKind.ANSWERED, status=200, media_type="text/event-stream", body=stream)
    expected = {"choices": [{"text": " word0 word1 word2", "finish_reason": "stop"}], "tokens": 3}
    assert read_body(answer).value == expected
    assert parse_stream(stream.replace(b"\n", b"\r\n")) == parse_stream(stream)


def test_a_stream_that_breaks_off_has_a_flaw() -> None:
    """Neither a reason to finish nor the end marker."""
    body = parse_stream(b"".join(events("cut", 2)))
    assert body is not None
    assert body.flaws == (UNFINISHED,)


def test_a_declared_tolerance_is_a_share_of_words() -> None:
    """One changed word of ten is within a tenth; without a declaration any change differs."""
    text = [f" w{i}" for i in range(10)]
    one, other = (parse_stream(chat(*pieces)) for pieces in (text, [*text[:9], " new"]))
    assert one is not None
    assert other is not None
    place = Place("$.choices[].text", Aspect.VALUE)
    assert list(differences(one.value, other.value)) == [place]
    assert differences(one.value, other.value, Rules(words={place.path: 0.1})) == {}
    assert list(differences(one.value, other.value, Rules(words={place.path: 0.05}))) == [place]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"data: 1\n\ndata: [DONE]\n\ndata: x\n\n", {"events": [1, "x"]}),
        (b"event: a\ndata: {\ndata: }\n\n", {"events": [{}]}),
        (b'data: {"choices": 3}\n\n', {"events": [{"choices": 3}]}),
    ],
)
def test_other_streams_are_lists_of_events(data: bytes, value: object) -> None:
    """JSON is parsed, anything else is text."""
    body = parse_stream(data)
    assert body is not None
    assert body.value == value


@given(st.binary(max_size=200) | st.text(max_size=99).map(lambda text: f"data: {text}\n\n".encode()))
def test_no_stream_raises(data: bytes) -> None:
    """A service is untrusted: whatever it streams is a kind."""
    answer = Answer(kind=AnswerKind.ANSWERED, status=200, media_type="text/event-stream", body=data)
    assert read_body(answer).kind in BodyKind


def test_very_long_texts_are_equal_or_not() -> None:
    """No quadratic comparison of what a service can make as long as it likes."""
    text = "a b " * 2000
    assert (changed_words(text, text), changed_words(text, text + "c")) == (0.0, 1.0)


def common_words(one: list[str], other: list[str]) -> int:
    """Return the length of the longest common subsequence, by the textbook's table."""
    row = [0] * (len(other) + 1)
    for word in one:
        corner = 0
        for i, against in enumerate(other, 1):
            corner, row[i] = row[i], corner + 1 if word == against else max(row[i], row[i - 1])
    return row[-1]


WORDS = st.lists(st.sampled_from("abc"), max_size=12)


@given(WORDS, WORDS)
def test_changed_words_are_those_out_of_the_common_ones(one: list[str], other: list[str]) -> None:
    """The share is exact, and the same in both directions: the arms are compared in pairs."""
    left, right = " ".join(one), " ".join(other)
    words = len(one) + len(other)
    expected = (words - 2 * common_words(one, other)) / words if words else 0.0
    assert changed_words(left, right) == changed_words(right, left) == expected


def test_looping_texts_have_a_share_too() -> None:
    """A model that repeats itself, so that every word occurs everywhere, is no slower than any other."""
    loop = [f"w{i}" for i in range(4)]
    text = " ".join(loop * 500)
    assert changed_words(text, " ".join([*loop * 499, *loop[:3], "new"])) == 1 / 2000
    assert changed_words(text, " ".join(loop[1:] * 500)) == 1 / 7
    assert changed_words(text, " ".join(["w9", "w8"] * 1000)) == 1.0
