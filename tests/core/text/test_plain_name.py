"""Plain names of commands and legs."""

from __future__ import annotations

import pytest

from ghmlops.core.text.plain_name import check_leg, evidence_file_name, is_plain_name, repeats_a_leg


@pytest.mark.parametrize("name", ["a", "eu-west_1.2", "A" * 64, "0"])
def test_plain(name: str) -> None:
    """Letters, digits and three other characters."""
    assert is_plain_name(name)
    assert check_leg(name) == name


@pytest.mark.parametrize(
    "name", ["", "-a", ".a", "a/b", "a b", "a\n", "\n", "a" * 65, "\u0430", "\u00e9", "\uff41", "a\u0000", "..", "a\\b"]
)
def test_not_plain(name: str) -> None:
    """Separators, controls, letters of other alphabets, and names that are too long."""
    assert not is_plain_name(name)
    with pytest.raises(ValueError, match="plain name"):
        check_leg(name)


def test_legs_that_repeat_another_one() -> None:
    """Such a leg can be no requirement."""
    assert [repeats_a_leg(leg) for leg in ("confirm", "replay", "eu-confirm", "eu-replay")] == [True] * 4
    assert not any(map(repeats_a_leg, ("", "eu", "confirm-eu", "confirmed")))
    with pytest.raises(ValueError, match="repeats"):
        check_leg("eu-confirm")


def test_the_name_of_a_file() -> None:
    """It is `<command>[-<leg>].json`."""
    assert [evidence_file_name("latency", leg) for leg in ("", "eu")] == ["latency.json", "latency-eu.json"]
