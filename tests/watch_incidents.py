"""An alarm after a deployment, and the history around it, for the tests of what follows from it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ghmlops.core.incidents.accuracy import Accuracy
from ghmlops.core.incidents.response import Response, Situation, respond
from ghmlops.core.policy.production.watch import Log, Reactions, Watch, WatchedMetric, WatchLimits, Workflows
from ghmlops.core.watch.incident import OpenAlarm
from history_records import COMMIT, OTHER, deployment, stored

GOOD = deployment("2026-11-03T08:00:00+00:00", commit=OTHER)
BAD = deployment("2026-11-03T10:00:00+00:00", commit=COMMIT, base_sha=OTHER)
NOW = datetime(2026, 11, 3, 13, tzinfo=UTC)
ONSET = int(datetime(2026, 11, 3, 10, tzinfo=UTC).timestamp())
ALARM = OpenAlarm("p95", ONSET, 3600, COMMIT)
WATCH = Watch(
    metrics=(WatchedMetric(name="p95", log=Log(files="x.csv", time="t", value="v")),),
    on=Reactions(alarm="confirm", confirmed="rollback-else-revert"),
    workflows=Workflows(confirm="confirm.yml", revert="revert.yml"),
    limits=WatchLimits(freeze_file=".github/freeze"),
)


def answer(*records: Any, watch: Watch = WATCH, alarms: tuple[OpenAlarm, ...] = (ALARM,), **fields: Any) -> Response:
    """Return what follows from the alarms, with these records after both deployments."""
    values = {"records": stored(GOOD, BAD, *records), "runs": {}, "accuracy": Accuracy(), "now": NOW, **fields}
    (response,) = respond(watch, "shop", "production", alarms, Situation(**values))
    return response
