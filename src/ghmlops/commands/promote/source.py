"""Where a promotion reads its requests: checked before its first weight, and never in the way of a rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.measure.telemetry import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ghmlops.commands.promote.job import Job
    from ghmlops.core.policy.promote import Observe
    from ghmlops.core.promotion.observation import Traffic
    from ghmlops.measure.telemetry import CounterLog, TrafficSource

NOT_OBSERVED = "The rollback was not observed: no requests could be read after it."


class DeferredPrometheus:
    """A server that is opened by its first query: a token that is missing stops no rollback.

    Args:
        observe: The policy.
        environ: Variables of the job; one of them may hold a token.
    """

    def __init__(self, observe: Observe, environ: Mapping[str, str]) -> None:
        self._settings, self._environ = observe.prometheus, environ

    def query(self, text: str) -> float | None:
        """Return the value of a query now; `None` if there is none.

        Raises:
            PolicyError: The query is malformed, or the variable with the token is not set.
            ServiceError: The server cannot be reached.
        """
        return SOURCES["prometheus"](self._settings, self._environ).query(text)


class NoSource:
    """No requests: those of a rollback whose log is not there."""

    def read(self) -> Traffic | None:
        """Return nothing."""
        return None


def open_source(job: Job, counters: CounterLog | None, note: Callable[[str], None], *, returns: bool) -> TrafficSource:
    """Return where the requests are read.

    Args:
        job: Everything that the promotion needs.
        counters: Counters of the requests; `None`: an access log has them.
        note: Reports a log that is missing to the user.
        returns: Whether the traffic returns now. Then no source is checked, because the way back is the safer one.

    Raises:
        PolicyError: A query is malformed, or returns several series.
        ServiceError: The server of the counters cannot be reached.
        DataError: There is no access log, or a counter has no value.
    """
    if counters:
        if not returns:
            counters.check()
        return counters
    if returns and not job.policy.observe.access_log:
        return NoSource()
    try:
        return job.open_log()
    except DataError as error:
        if not returns:
            raise
        note(f"rollback: it is not observed: {error.message}")
        return NoSource()
