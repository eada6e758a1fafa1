"""Facts about the run: addresses of commits."""

from __future__ import annotations

import msgspec
import pytest

from report import samples


def test_a_commit_has_an_address() -> None:
    """On the server and in the repository of the run."""
    expected = f"https://github.example/acme/click-scorer/commit/{samples.HEAD}"
    assert samples.FACTS.commit_url(samples.HEAD) == expected


@pytest.mark.parametrize(
    "fields", [{"server_url": ""}, {"server_url": "javascript:x"}, {"repository": ""}, {"repository": "a/b/../c"}]
)
def test_an_unknown_or_hostile_place_has_none(fields: dict[str, str]) -> None:
    """Neither has text that is no commit."""
    assert msgspec.structs.replace(samples.FACTS, **fields).commit_url(samples.HEAD) == ""
    assert samples.FACTS.commit_url("main") == ""
