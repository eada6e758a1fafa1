"""Replicas, demand and capacity over time, from the records of `scale`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.history.record import ScaleRecord, record_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ghmlops.core.history.reading import Stored


class ScalingPoint(NamedTuple):
    """A change of replicas."""

    time: datetime
    id: str
    """Id of the record."""
    record: ScaleRecord

    @property
    def replicas(self) -> int:
        """Replicas from now on, as far as the record shows: those of a plan that was not set stay as they were."""
        before = self.record.before
        return self.record.replicas if self.record.applied or before is None else before


class Scaling(NamedTuple):
    """The changes of one service and environment, oldest first."""

    service: str
    environment: str
    points: tuple[ScalingPoint, ...]


def scaling(records: Sequence[Stored], since: datetime | None = None) -> list[Scaling]:
    """Return the changes of each service and environment, in the order of their names.

    Args:
        records: All records, in the order of time.
        since: Time before which changes are left out.
    """
    groups: dict[tuple[str, str], list[ScalingPoint]] = {}
    for stored in records:
        record = stored.record
        if isinstance(record, ScaleRecord) and (since is None or record_time(record) >= since):
            point = ScalingPoint(record_time(record), stored.id, record)
            groups.setdefault((record.service, record.environment), []).append(point)
    return [Scaling(*key, points=tuple(points)) for key, points in sorted(groups.items())]
