"""Builds results from the percentiles that benchmarks of language models report for successful answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import ExternalResults, Times, percentile
from ghmlops.measure.foreign.bounded_json import MAX_MS
from ghmlops.measure.foreign.limitations import CLOSED_LOOP, NO_ENDPOINTS, TOOL_RULE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.latency.external_results import Doubt, Load
    from ghmlops.core.model import NotMeasured


def times_of(values: Mapping[str, float], n: int, tool: str) -> Times:
    """Return the times of `n` successful answers from values in ms: `mean`, `max`, and percentiles such as `p99`.

    The tools interpolate between neighbours, so that the bounds of `percentile` hold.

    Raises:
        DataError: A value is not between 0 and an hour.
    """
    for name, ms in values.items():
        if not 0 <= ms <= MAX_MS:
            raise DataError(f"`{name}` of {tool} is {ms:g} ms, not between 0 and an hour", hint="the file is damaged")
    points = [
        percentile(1.0 if name == "max" else float(name[1:]) / 100, ms, n)
        for name, ms in values.items()
        if name != "mean"
    ]
    return Times(timed=n, points=tuple(points) if n else (), values=dict(values) if n else {})


def llm_results(  # noqa: PLR0913  (keywords)
    tool: str,
    *,
    counts: tuple[int, int],
    response: Times,
    first_token: Times | None,
    notes: tuple[NotMeasured, ...] = (),
    load: Load | None = None,
    doubts: tuple[Doubt, ...] = (),
) -> ExternalResults:
    """Return the content of a file.

    Args:
        tool: Name of the tool.
        counts: Number of successful and of failed requests.
        response: Times to the end of the answer.
        first_token: Times to the first token; `None` if the file does not contain them.
        notes: Further limitations.
        load: How much of the planned load was sent.
        doubts: Requests that are no results of one complete request each.

    Raises:
        DataError: There is no request.
    """
    succeeded, failed = counts
    if not succeeded + failed:
        raise DataError(f"the file of {tool} contains no request", hint="check that the run was completed")
    return ExternalResults(
        tool=tool,
        timed=succeeded,
        timed_failures=False,
        requests=succeeded + failed,
        failed=(failed, failed),
        points=response.points,
        values=response.values,
        first_token=first_token,
        not_measured=(NO_ENDPOINTS, CLOSED_LOOP, TOOL_RULE, *notes),
        load=load,
        doubts=doubts,
    )
