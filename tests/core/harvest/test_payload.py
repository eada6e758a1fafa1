"""A payload has the named fields at their paths, and nothing else."""

from __future__ import annotations

import json

import pytest

from ghmlops.core.harvest.payload import DEEP, UNNAMED, UNREADABLE, make_payload


def test_fields_stand_at_their_paths() -> None:
    """Absent fields stay absent, and null stays null."""
    names = ["device", "user.country", "user.age", "tree.*", "gone"]
    texts = ['"phone"', '"DE"', "null", '{"a":{"b":1}}', None]
    payload = make_payload(names, texts, frozenset())
    assert json.loads(payload.body) == {
        "device": "phone",
        "user": {"country": "DE", "age": None},
        "tree": {"a": {"b": 1}},
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"mail":1}', UNNAMED),
        ('[[1,{"x":2}]]', UNNAMED),
        ('"ann@example.org"', "e-mail address"),
        ("NaN", UNREADABLE),
        ("[1,-Infinity]", UNREADABLE),
        ("1e999", UNREADABLE),
        ("[" * 34 + "]" * 34, DEEP),
        ("[" * 400 + "]" * 400, DEEP),
        ("[" * 100_000 + "]" * 100_000, DEEP),
        ('["ok","req-000017"]', "request identifier"),
        ('"uploads/req-000017.png"', "request identifier"),
        ('"order:req-000017"', "request identifier"),
        ('"xREQ-000017x"', "request identifier"),
        ('"\\u0072eq-000017_2"', "request identifier"),
    ],
)
def test_what_may_not_leave_is_named_by_field_and_kind(text: str, problem: str) -> None:
    """The body is empty, and the text of the field is nowhere."""
    payload = make_payload(["a", "b"], ["1", text], frozenset({"req-000017"}))
    assert (payload.body, payload.field, payload.problem) == ("", "b", problem)


def test_identifiers_of_others_are_named() -> None:
    """With their field; the body is there, since only all requests together say what they are."""
    texts = ['["see tablet-7."]', '{"tablet-7":{"x":1234567}}']
    payload = make_payload(["a", "b.*"], texts, frozenset({"req-000017"}), {"tablet-7", "1234567", "table"})
    assert payload.body
    assert sorted(payload.mentions) == [("a", "tablet-7"), ("b.*", "1234567"), ("b.*", "tablet-7")]
    assert make_payload(["a"], ["[" * 32 + "]" * 32], frozenset()).body
