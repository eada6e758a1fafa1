"""Details of the evidence of `import`: the result file of another load generator."""

from __future__ import annotations

from ghmlops.core.model import Frozen


class FailedRequests(Frozen, frozen=True, kw_only=True):
    """Bounds on the number of failed requests; `max` is `None` if the file gives no upper bound."""

    min: int
    max: int | None


class ImportDetails(Frozen, frozen=True, kw_only=True, tag_field="command", tag="import", omit_defaults=True):
    """Details of the evidence of `import`.

    Attributes:
        tool: the load generator that wrote the file.
        file: path of the file, as given.
        requests: requests of the run; `None` if the file does not state it.
        timed_requests: requests whose times are in the file.
        failed_requests: bounds on the number of failed requests.
        unit: HdrHistogram: unit of the recorded times; otherwise empty.
        intervals: HdrHistogram log: number of intervals; otherwise `None`.
    """

    tool: str
    file: str
    requests: int | None
    timed_requests: int
    failed_requests: FailedRequests
    unit: str = ""
    intervals: int | None = None
