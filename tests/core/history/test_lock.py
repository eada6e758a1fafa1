"""The lock of a service and environment: its place, its bytes, and when it counts as left behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ghmlops.core.history.lock import (
    Holder,
    Lock,
    decode_lock,
    encode_lock,
    is_left,
    is_same_attempt,
    lock_age,
    lock_path,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def holder(run_id: str = "7", attempt: int = 1, *, age: float = 60.0) -> Holder:
    """Return a run that took the lock `age` seconds ago."""
    since = (NOW - timedelta(seconds=age)).isoformat()
    return Holder(run_id=run_id, run_attempt=attempt, commit="a" * 40, since=since)


def test_every_pair_of_names_has_one_path() -> None:
    """Names that read alike have different files, and no name leaves the folder."""
    pairs = [
        ("shop", "production"),
        ("shop-production", ""),
        ("shop", "production "),
        ("../..", "x/y"),
        ("\u00fc", "\n"),
    ]
    paths = [lock_path(*pair) for pair in pairs]
    assert len(set(paths)) == len(pairs)
    assert all(path.count("/") == 1 and path.startswith("locks/") and ".." not in path for path in paths)
    assert lock_path("shop", "production") == lock_path("shop", "production")


def test_a_lock_is_read_as_it_was_written() -> None:
    """The run before it is part of the record."""
    lock = Lock(service="shop", environment="production", holder=holder(), taken_over_from=holder("6"))
    assert decode_lock(encode_lock(lock)) == lock


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, encode_lock(Lock(service="s", environment="e", holder=holder()))[:-9]],
)
def test_what_is_no_lock_is_an_error(content: bytes) -> None:
    """A truncated or foreign file is never read as a free lock."""
    with pytest.raises(ValueError, match="no lock"):
        decode_lock(content)


@pytest.mark.parametrize("since", ["", "yesterday", "2026-11-28T12:00:00"])
def test_a_time_without_a_zone_is_an_error(since: str) -> None:
    """The age of a lock is never computed from a time that could be any."""
    lock = Lock(service="s", environment="e", holder=Holder(run_id="7", commit="a" * 40, since=since))
    with pytest.raises(ValueError, match="no lock"):
        decode_lock(encode_lock(lock))


@pytest.mark.parametrize(
    ("present", "by", "left"),
    [
        (holder("7", 1, age=60), holder("8", 1), False),
        (holder("7", 1, age=3599), holder("8", 1), False),
        (holder("7", 1, age=3601), holder("8", 1), True),
        (holder("7", 1, age=60), holder("7", 2), True),
        (holder("7", 2, age=60), holder("7", 1), False),
        (holder("7", 1, age=-86_400), holder("8", 1), False),
    ],
)
def test_when_a_lock_is_left_behind(present: Holder, by: Holder, *, left: bool) -> None:
    """By age, or by a later attempt of the same run; a clock that was ahead makes no lock old."""
    assert is_left(present, by, NOW, max_age=3600) is left


def test_the_same_attempt_is_the_same_holder() -> None:
    """The time does not matter: a job that repeats its request has the lock already."""
    assert is_same_attempt(holder(age=1), holder(age=2))
    assert not is_same_attempt(holder(attempt=1), holder(attempt=2))
    assert lock_age(holder(age=90), NOW) == timedelta(seconds=90)
