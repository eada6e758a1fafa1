"""The inputs `shard` and `start-at`."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import InputError
from ghmlops.core.latency.shards.inputs import parse_shard, parse_start


@pytest.mark.parametrize(
    "text", ["0/4", "5/4", "1/257", "1/0", "1", "1/2/3", "a/b", "-1/4", "1/4x", "\uff19/\uff19", "1/99999"]
)
def test_invalid_shards_are_refused(text: str) -> None:
    """Only k/N with 1 <= k <= N <= 256 is a shard; the message names the input, the hint shows an example."""
    with pytest.raises(InputError, match="input `shard`") as caught:
        parse_shard(text)
    assert "1/2" in caught.value.hint


def test_valid_shards_and_starts() -> None:
    """Empty inputs give `None`; decimals and times in the past are accepted."""
    assert (parse_shard(""), parse_shard("3/16"), parse_shard("256/256")) == (None, (3, 16), (256, 256))
    assert (parse_start("", 5.0), parse_start("1700000000", 5e9), parse_start("10.5", 5.0)) == (None, 1.7e9, 10.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [("soon", "soon"), ("-5", "-5"), ("nan", "nan"), ("1e9", "1e9"), ("4601", "3,601 s")],
)
def test_invalid_starts_are_refused(text: str, message: str) -> None:
    """Text, a negative time and a time more than one hour ahead are errors with an example."""
    with pytest.raises(InputError, match=f"input `start-at`.*{message}") as caught:
        parse_start(text, 1000.0)
    assert "date +%s" in caught.value.hint
