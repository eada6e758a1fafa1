"""The checks of an answer, without a service."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.latency.answers import Kind
from ghmlops.core.policy.latency import Expect, JsonCheck
from ghmlops.measure.load.checks import Check, json_steps, same


@pytest.mark.parametrize(
    ("status", "retry", "expected"),
    [
        (200, "", Kind.OK), (299, "", Kind.OK), (300, "", Kind.REDIRECT), (399, "", Kind.REDIRECT),
        (400, "", Kind.STATUS), (429, "", Kind.THROTTLED), (429, "3", Kind.THROTTLED), (500, "3", Kind.STATUS),
        (503, "", Kind.STATUS), (503, "3", Kind.THROTTLED),
    ],
)  # fmt: skip
def test_statuses(status: int, retry: str, expected: Kind) -> None:
    """2xx is good, 3xx redirects, 429 and a 503 with Retry-After throttle, the rest is unexpected."""
    assert Check(Expect()).status(status, retry)[0] is expected


def test_listed_statuses_are_good_whatever_they_are() -> None:
    """A list replaces 2xx."""
    check = Check(Expect(status=(302, 429, 503)))
    assert [check.status(code, "1")[0] for code in (302, 429, 503)] == [Kind.OK] * 3
    assert check.status(200) == (Kind.STATUS, "expected status 302 or 429 or 503: ")


def test_the_retry_after_is_told_and_cannot_break_the_line() -> None:
    """Its value is cut and printable."""
    told = Check(Expect()).status(429, "1\x1b[2J" + "9" * 100)[1]
    assert told.startswith("Retry-After: 1 [2J999")
    assert len(told) < 60


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", ("a",)),
        ("outputs[0].name", ("outputs", 0, "name")),
        ("[2][0]", (2, 0)),
        ("a-b.c d[10]", ("a-b", "c d", 10)),
        ("0", ("0",)),
    ],
)
def test_paths(path: str, expected: tuple[str | int, ...]) -> None:
    """Keys with dots between them, list places in brackets."""
    assert json_steps(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a[",
        "a[]",
        "a[x]",
        "a[0]b",
        "a[-1]",
        "a]",
        "a.[0]",
        "a[" + "9" * 5000 + "]",
        "a[٣]",
    ],
)
def test_malformed_paths_are_errors_of_the_policy(path: str) -> None:
    """The message names the path."""
    with pytest.raises(PolicyError, match="is not the path of a JSON value"):
        Check(Expect(json=(JsonCheck(path=path, equals="1"),)))


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        ("a", "a", True), ("a", "b", False), ("1", "1", True), (1, "1", True), (1, "1.0", True), (1.5, "1.50", True),
        (1, "2", False), (True, "true", True), (True, "1", False), (False, "false", True), (1, "true", False),
        (None, "null", True), ("null", "null", True), (None, "", False), ("", "", True), ([1], "[1]", False),
        (1000, "1e3", True), ({}, "{}", False), (0, "", False), (0, "nan", False), (1e3, "1000", True),
    ],
)  # fmt: skip
def test_values_are_compared_as_the_policy_spells_them(value: object, wanted: str, expected: bool) -> None:
    """Text as it is, numbers by value, true, false and null by name; lists and objects equal nothing."""
    assert same(value, wanted) is expected


@pytest.mark.parametrize(
    ("body", "missed"),
    [
        (b'{"a": [{"b": "x1"}]}', ""),
        (b'{"a": [{"b": "y"}]}', 'expected `a[0].b` to match ^x, got "y"'),
        (b'{"a": [{"b": 7}]}', "to match ^x, got 7"),
        (b'{"a": {}}', "it is not there"),
        (b'{"a": "text"}', "it is not there"),
        (b'{"a": []}', "it is not there"),
        (b"[1]", "it is not there"),
        (b"nothing", "expected JSON, got"),
        (b"", "expected JSON, got"),
        (b'{"a": "\xff"}', "expected JSON, got"),
        (b"[" * 100_000, "expected JSON, got"),
    ],
)
def test_json(body: bytes, missed: str) -> None:
    """A value that is not there, another one, and what is no JSON at all: each is told in a line."""
    found = Check(Expect(json=(JsonCheck(path="a[0].b", matches="^x"),))).body(body)
    assert missed in found
    assert bool(missed) == bool(found)
    assert len(found) < 300


def test_a_part_of_a_buffer_is_checked_alone() -> None:
    """What stands before and after the body in the buffer does not count."""
    buffer = bytearray(b"score|body|score")
    assert Check(Expect(contains="score")).body(buffer, 6, 10) == 'expected the body to contain "score", got "body"'
    assert Check(Expect(contains="body", smallest=4, largest=4)).body(buffer, 6, 10) == ""


def test_an_answer_nested_as_deep_as_can_be_read_is_a_missed_check() -> None:
    """Depths about the limit, where it can just be read and not be told again: a sentence, never an error."""
    for check in (JsonCheck(path="a", matches="x"), JsonCheck(path="a", equals="x")):
        place = Check(Expect(json=(check,)))
        for depth in range(700, 1050):
            for opened, closed in ((b"[", b"]"), (b'{"a":', b"}")):
                assert place.body(b'{"a":' + opened * depth + b"1" + closed * depth + b"}").startswith("expected ")
