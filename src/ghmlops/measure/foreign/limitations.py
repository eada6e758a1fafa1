"""Limitations that several result formats share; evidence lists them as not measured."""

from __future__ import annotations

from ghmlops.core.model import NotMeasured

CLOSED_LOOP = NotMeasured(
    what="waiting time before the send (coordinated omission)",
    why="the times start at the actual send, and the file does not state whether slow answers delayed later requests",
)
NO_ENDPOINTS = NotMeasured(
    what="response times by endpoint", why="the file aggregates all requests of the run, whatever their endpoint"
)
"""For files that do not even state the number of endpoints."""
TOOL_RULE = NotMeasured(
    what="failures by the statuses that the policy expects",
    why="the file counts failures by the tool's own rule, by which 2xx and 3xx are successes",
)
LATE_SENDS = NotMeasured(
    what="lateness of sends", why="vegeta measures from the actual send, and does not record the scheduled one"
)


def pooled_endpoints(count: int, rows: str) -> NotMeasured:
    """Return the limitation of a file whose endpoints are judged as one; `rows` names what it lists per endpoint."""
    return NotMeasured(
        what="response times by endpoint", why=f"the {count:,} {rows} of the file are judged together, like a mix"
    )
