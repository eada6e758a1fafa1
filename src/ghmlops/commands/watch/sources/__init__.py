"""Where the intervals of a metric are read: one file per source, and the table of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.watch.sources import deployments, evidence, log, prometheus
from ghmlops.core.policy.production.watch import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.commands.watch.sources.reading import Reading
    from ghmlops.core.policy.production.watch import WatchedMetric
    from ghmlops.core.watch.evaluation import Interval

READERS: dict[str, Callable[[WatchedMetric, Reading], list[Interval]]] = {
    "log": log.read,
    "prometheus": prometheus.read,
    "evidence": evidence.read,
    "deployments": deployments.read,
}


def read_metric(metric: WatchedMetric, reading: Reading) -> list[Interval]:
    """Return the intervals of a metric until the time of the evaluation.

    Args:
        metric: The metric, which names exactly one source.
        reading: What the sources are read with.

    Raises:
        InputError: The deployments of GitHub are read without a token.
        PolicyError: A query is malformed, or returns several series.
        DataError: A file is missing, or cannot be read.
        ServiceError: Prometheus cannot be reached, or answers with something else.
        GitHubError: GitHub rejected a request.
    """
    (name,) = (name for name in SOURCES if getattr(metric, name))
    return READERS[name](metric, reading)
