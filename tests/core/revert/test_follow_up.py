"""What a revert leaves to a later job, as text that is checked when it comes back."""

from __future__ import annotations

import msgspec
import pytest

from ghmlops.core.errors import InputError
from ghmlops.core.revert.follow_up import MAX_CHARACTERS, FollowUp, encode_follow_up, parse_follow_up

REVERTED = FollowUp(state="reverted", branch="main", commit="a" * 40, sha="b" * 40)
CONFLICT = FollowUp(
    state="refused", branch="", commit="a" * 40, reason_code="revert-conflict", message="m `x`", hint="h"
)


@pytest.mark.parametrize("left", [REVERTED, CONFLICT])
def test_it_comes_back_as_it_was(left: FollowUp) -> None:
    """On one line, so that it is an output of a step."""
    text = encode_follow_up(left)
    assert ("\n" in text, parse_follow_up(text)) == (False, left)


@pytest.mark.parametrize(
    "left",
    [
        FollowUp(state="pull-request", branch="main", commit="a" * 40),
        FollowUp(state="refused", branch="main", commit="a" * 40, reason_code="reverts-frozen", message="m"),
    ],
)
def test_nothing_is_left(left: FollowUp) -> None:
    """A revert that waits in a pull request, and a refusal that no issue is about, leave nothing."""
    assert encode_follow_up(left) == ""


HOSTILE = [
    "",
    "{",
    "[]",
    '{"state": "reverted"}',
    msgspec.json.encode(msgspec.structs.replace(REVERTED, sha="main")).decode(),
    msgspec.json.encode(msgspec.structs.replace(REVERTED, branch="--force")).decode(),
    msgspec.json.encode(msgspec.structs.replace(REVERTED, branch="")).decode(),
    msgspec.json.encode(msgspec.structs.replace(REVERTED, state="pull-request")).decode(),
    msgspec.json.encode(msgspec.structs.replace(CONFLICT, reason_code="reverts-frozen")).decode(),
    msgspec.json.encode(msgspec.structs.replace(CONFLICT, message="x" * MAX_CHARACTERS)).decode(),
    encode_follow_up(REVERTED).replace('"state"', '"unknown": 1, "state"'),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_anything_else_is_an_error(text: str) -> None:
    """Not an option, a moving name, another state, a field that is unknown, or too much text."""
    with pytest.raises(InputError):
        parse_follow_up(text)
