"""The deployment that precedes an alert."""

from __future__ import annotations

import pytest

from ghmlops.core.watch.cause import Deployed, cause_of

ONSET = 36_000


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((35_000,), 35_000),
        ((36_500,), 36_500),
        ((35_000, 36_500), 36_500),
        ((30_000,), None),
        ((38_000,), None),
        ((), None),
    ],
)
def test_the_newest_deployment_shortly_before_the_onset(times: tuple[int, ...], expected: int | None) -> None:
    """Within two intervals before, or in the interval of the onset; otherwise the cause is external."""
    cause = cause_of(ONSET, 900.0, [Deployed(float(time), f"{time}") for time in times])
    assert (cause.time if cause else None) == expected
