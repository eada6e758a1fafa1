"""Checks of responses, without a service."""

from __future__ import annotations

import re

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.latency.kind import Kind
from ghmlops.core.policy.latency import Expect, JsonCheck
from ghmlops.measure.load.checks import Check, equals_text, json_steps


@pytest.mark.parametrize(
    ("status", "retry", "expected"),
    [
        (200, "", Kind.OK), (299, "", Kind.OK), (300, "", Kind.REDIRECT), (399, "", Kind.REDIRECT),
        (400, "", Kind.STATUS), (429, "", Kind.THROTTLED), (429, "3", Kind.THROTTLED), (500, "3", Kind.STATUS),
        (503, "", Kind.STATUS), (503, "3", Kind.THROTTLED),
    ],
)  # fmt: skip
def test_statuses_are_classified(status: int, retry: str, expected: Kind) -> None:
    """2xx is ok, 3xx a redirect, 429 and 503 with Retry-After are throttled, everything else is unexpected."""
    assert Check(Expect()).classify_status(status, retry)[0] is expected


def test_listed_statuses_replace_2xx() -> None:
    """Listed statuses are ok even if they are redirects or throttling; others are not, even 200."""
    check = Check(Expect(status=(302, 429, 503)))
    assert [check.classify_status(code, "1")[0] for code in (302, 429, 503)] == [Kind.OK] * 3
    kind, example = check.classify_status(200)
    assert kind is Kind.STATUS
    assert all(code in example for code in ("302", "429", "503"))


def test_the_value_of_retry_after_is_truncated_and_printable() -> None:
    """The example contains the start of the value, with control characters replaced."""
    example = Check(Expect()).classify_status(429, "1\x1b[2J" + "9" * 100)[1]
    assert "1 [2J999" in example
    assert len(example) < 60


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
def test_paths_are_split_into_steps(path: str, expected: tuple[str | int, ...]) -> None:
    """Keys are separated by dots, and list indices are in brackets."""
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
    """The message quotes the path."""
    with pytest.raises(PolicyError, match=re.escape(f"`{path}`")):
        Check(Expect(json=(JsonCheck(path=path, equals="1"),)))


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        ("a", "a", True), ("a", "b", False), ("1", "1", True), (1, "1", True), (1, "1.0", True), (1.5, "1.50", True),
        (1, "2", False), (True, "true", True), (True, "1", False), (False, "false", True), (1, "true", False),
        (None, "null", True), ("null", "null", True), (None, "", False), ("", "", True), ([1], "[1]", False),
        (1000, "1e3", True), ({}, "{}", False), (0, "", False), (0, "nan", False), (1e3, "1000", True),
    ],
)  # fmt: skip
def test_json_values_are_compared_with_the_text_of_the_policy(value: object, text: str, expected: bool) -> None:
    """Strings literally, numbers by value, true, false and null by name; lists and objects equal nothing."""
    assert equals_text(value, text) is expected


@pytest.mark.parametrize(
    ("body", "fact"),
    [
        (b'{"a": [{"b": "x1"}]}', ""),
        (b'{"a": [{"b": "y"}]}', '`a[0].b` to match ^x, got "y"'),
        (b'{"a": [{"b": 7}]}', "to match ^x, got 7"),
        (b'{"a": {}}', "`a[0].b`"),
        (b'{"a": "text"}', "`a[0].b`"),
        (b'{"a": []}', "`a[0].b`"),
        (b"[1]", "`a[0].b`"),
        (b"nothing", "JSON"),
        (b"", "JSON"),
        (b'{"a": "\xff"}', "JSON"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_json_values_are_checked(body: bytes, fact: str) -> None:
    """A different value, an absent value and a body that is not JSON are each reported in one line."""
    error = Check(Expect(json=(JsonCheck(path="a[0].b", matches="^x"),))).body_error(body)
    assert fact in error
    assert bool(fact) == bool(error)
    assert len(error) < 300


def test_only_the_body_within_a_buffer_is_checked() -> None:
    """Data before and after the body in the buffer is ignored."""
    buffer = bytearray(b"score|body|score")
    assert Check(Expect(contains="score")).body_error(buffer, 6, 10).endswith('"score", got "body"')
    assert Check(Expect(contains="body", smallest=4, largest=4)).body_error(buffer, 6, 10) == ""


def test_a_deeply_nested_response_fails_its_check() -> None:
    """Depths near the recursion limit, at which a value can be decoded but not encoded, fail without an exception."""
    for check in (JsonCheck(path="a", matches="x"), JsonCheck(path="a", equals="x")):
        compiled = Check(Expect(json=(check,)))
        for depth in range(700, 1050):
            for opened, closed in ((b"[", b"]"), (b'{"a":', b"}")):
                assert compiled.body_error(b'{"a":' + opened * depth + b"1" + closed * depth + b"}").startswith(
                    "expected "
                )
