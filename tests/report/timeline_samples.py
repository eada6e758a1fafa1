"""Timelines of one metric, for the tests of charts and of what they contain."""

from __future__ import annotations

from ghmlops.core.model import Outcome
from ghmlops.report.text.blocks import Timeline, TimelinePoint


def sample_points(regressions: set[int], total: int) -> list[TimelinePoint]:
    """Return `total` windows with a value of 80 %; the candidate has 70 % in those with a regression."""
    return [
        TimelinePoint(
            window=f"2025-01-{index:03d}",
            baseline=0.8,
            candidate=0.7 if index in regressions else 0.8,
            low=-0.02,
            high=0.02,
            outcome=Outcome.FAIL if index in regressions else Outcome.PASS,
        )
        for index in range(total)
    ]


def sample_timeline(regressions: set[int], total: int, **fields: object) -> Timeline:
    """Return an accuracy by window with a margin of 5 points, with `fields` replaced."""
    timeline = Timeline(
        metric="accuracy",
        dataset="",
        unit="ratio",
        points=sample_points(regressions, total),
        floor=0.05,
        ceiling=None,
        in_markdown=True,
    )
    return timeline._replace(**fields)  # type: ignore[arg-type]
