"""Facts that the user supplies in addition to a result file."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import InputError
from ghmlops.measure.foreign.supplement import Supplement


@pytest.mark.parametrize(("unit", "file_unit", "result"), [("ms", "", "ms"), ("", "ns", "ns"), ("us", "us", "us")])
def test_the_unit_comes_from_the_file_or_the_input(unit: str, file_unit: str, result: str) -> None:
    """Either is enough, and both may agree."""
    assert Supplement(unit=unit).resolve_unit(file_unit) == result


@pytest.mark.parametrize(
    ("unit", "file_unit", "word"), [("", "", "--unit"), ("ms", "ns", "--unit"), ("hours", "", "ns, us, ms, s")]
)
def test_a_missing_or_contradictory_unit_is_refused(unit: str, file_unit: str, word: str) -> None:
    """The hint names the input, or the units."""
    with pytest.raises(InputError) as caught:
        Supplement(unit=unit).resolve_unit(file_unit)
    assert word in caught.value.hint


def test_expected_statuses() -> None:
    """The policy's statuses replace the rule that any 2xx status is a success."""
    assert [Supplement().is_success(status) for status in (200, 299, 302, 500)] == [True, True, False, False]
    assert [Supplement(statuses=(302,)).is_success(status) for status in (200, 302)] == [False, True]
