"""The course of the week: what happens in which hour, and what the commands say about it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from week import deployments, repository
from week.traffic import LEVELS, Log, demand

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from runner import Run
    from week.processes import Done
    from week.production import Production
    from week.traffic import Measured

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
FIRST_LOG = MONDAY - timedelta(days=8)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CRON = timedelta(minutes=7)
"""Time after an hour at which the scheduled commands run."""
UPSTREAM = (MONDAY + DAY + 11 * HOUR, MONDAY + DAY + 15 * HOUR)
"""The store of the features is slow: Tuesday."""
DOUBLED = MONDAY + 2 * DAY
"""Twice as many users come: from Wednesday on."""
DEAD = (MONDAY + 5 * DAY + 6 * HOUR, MONDAY + 6 * DAY + 20 * HOUR)
"""No scheduled run of `watch`: from Saturday to Sunday, 38 hours."""
DRIFT = MONDAY + 12 * DAY
"""The users click by another rule: from the second Saturday on."""
LAST = MONDAY + 21 * DAY
"""When the course ends, whatever happened."""
ATTEMPTS = 5
"""Measurements after which a change is not deployed, if the machine is too busy for a result."""
EVENING = 18 * HOUR
"""An hour before most users come. `watch` suspects what was deployed within two intervals, here hours, of an onset."""
DEPLOYED_AT = {
    MONDAY + 10 * HOUR: "faster",
    MONDAY + 3 * DAY + 10 * HOUR: "rounded",
    MONDAY + 4 * DAY + EVENING: "crowded",
}
"""When which change is deployed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of the service: its commit message, the expectation of its pull request, and its source."""

    message: str
    expected: str
    source: str


CHANGES = {
    "faster": Change(message="Keep connections to the store", expected="Expect: p50 -8%", source=repository.FASTER),
    "rounded": Change(message="Round the scores", expected="Expect: p50 +0%", source=repository.ROUNDED),
    "crowded": Change(message="Cache the features", expected="Expect: p50 -20%", source=repository.CROWDED),
}


@dataclass(slots=True, kw_only=True)
class Course:
    """The week.

    Args:
        production: What runs.
        measured: Name of a version to what it does under load: `start`, the changes, and `upstream`.
        tell: Receives a line per event.

    Attributes:
        log: The log of the service.
        live: Name of the version that serves.
        seconds: Load of each version and rate.
        brief: Whether only the faulty deployment happens: allowed without a measurement, promoted by a command of this
            process, and not undone.
        commits: Name of a version to its commit.
        states: What `watch` said about incidents, in the order in which it changed.
        runs: Workflow and result of each run under the runner.
        replicas: Time and replicas of each step of `scale`.
        dead: What was reported about the schedule of `watch`.
        retrained: Hour in which the training was started.
    """

    production: Production
    measured: dict[str, Measured]
    tell: Callable[[datetime, str], None]
    log: Log
    live: str = "start"
    brief: bool = False
    seconds: float = 1.0
    commits: dict[str, str] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)
    runs: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    replicas: list[tuple[datetime, int]] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    retrained: datetime | None = None

    def before(self, until: datetime = MONDAY) -> None:
        """Write the logs of the days before, in which the first version served."""
        self.commits[self.live] = self.production.start
        self.production.clock.set(FIRST_LOG)
        self.production.live_from_the_start(reported=not self.brief)
        for hour in hours(FIRST_LOG, until):
            self.traffic(hour)

    def capacity(self) -> None:
        """Measure the capacity of one replica, in the nights before the week."""
        self.production.clock.set(FIRST_LOG)
        port = self.production.ports["measured"]
        with deployments.running_source(self.production, repository.SERVICE):
            self._command("capacity", "--url", f"http://127.0.0.1:{port}")
        evidence = self.production.checkout / "evidence" / "capacity.json"
        shutil.copy(evidence, self.production.checkout)
        result = self.production.evidence("capacity")["details"]["result"]
        self._say(f"capacity of a replica: {result['low']:.0f} to {result['high']:.0f} requests per second")

    def page(self) -> Path:
        """Write the dashboard, and return its folder."""
        self.production.update()
        self._command("history", "page", "--site", "dashboard")
        return self.production.checkout / "dashboard"

    def run(self, until: datetime = LAST) -> None:
        """Pass the hours, until the training that pays is live."""
        for hour in hours(MONDAY, until):
            self.hour(hour)
            if self.retrained and hour >= self.retrained + DAY:
                return

    def hour(self, hour: datetime) -> None:
        """Pass one hour."""
        self.production.clock.set(hour)
        if hour in DEPLOYED_AT:
            self.deploy(DEPLOYED_AT[hour])
        self.traffic(hour)
        self.production.clock.set(max(hour + HOUR + CRON, self.production.clock.now()))
        if hour < MONDAY + 7 * DAY:
            self._scale(hour)
        if not DEAD[0] <= hour < DEAD[1] and (hour < MONDAY + 7 * DAY or hour.hour % 6 == 5):
            self.watch(hour)
        if hour.hour == 3:
            self._harvest(hour)

    def traffic(self, hour: datetime) -> None:
        """Write the log of an hour."""
        is_slow = UPSTREAM[0] <= hour < UPSTREAM[1] and not self.brief
        version = "upstream" if is_slow else self.live
        doubled = LAST if self.brief else DOUBLED
        self.log.write_hour(hour, demand(hour, doubled), self.production.replicas, self.measured[version])

    def deploy(self, name: str) -> None:
        """Deploy a change: the gate decides, and it is promoted."""
        change, live = CHANGES[name], self.commits[self.live]
        commit = self.production.commit(change.message, {"serve.py": change.source}, change.expected)
        self.commits[name] = commit
        self._release(name, live)

    def _release(self, name: str, live: str) -> None:
        commit = self.commits[name]
        if self._gate(name, live):
            deployments.prepare_servers(self.production, commit, live)
            with self.production.under_load():
                if self.brief:
                    self._command("promote", "--commit", commit)
                else:
                    run = self.production.workflow("workflow_dispatch", "promote.yml", {"commit": commit})
                    self._ran("promote.yml", run)
            if self.production.candidate_share() == 1.0:
                self.live = name

    def _gate(self, name: str, live: str) -> bool:
        """Measure until the result counts, as a person would on a busy runner; return whether the gate allows it."""
        if self.brief:
            self.production.allow(self.commits[name], live)
            return True
        for _ in range(ATTEMPTS):
            gated = deployments.gate(self.production, self.commits[name], live)
            self._say(f"{name}: measured {gated.outcome}, the gate: {gated.decision}")
            if gated.outcome not in ("inconclusive", "error"):
                return gated.decision == "allowed"
        return False

    def _scale(self, hour: datetime) -> None:
        before = self.production.replicas
        deployments.append_record(self.production, self._command("scale", "--commit", self.commits[self.live]))
        if (after := self.production.replicas) != before:
            self.replicas.append((hour, after))
            self._say(f"scale: {before} to {after} replicas")

    def watch(self, hour: datetime) -> None:
        """Judge the hour in this process; what starts a workflow is done by the workflow, under the runner."""
        reported = len(self.dead)
        # After the workflows that this hour started it is later, and their records count.
        self.production.clock.set(max(hour + HOUR + CRON, self.production.clock.now()))
        self.production.update()
        self._command("watch")
        evidence = self.production.evidence("watch")
        self.dead += [f["reason"] for f in evidence["findings"] if f["id"] == "watch-dead"]
        self.production.note_run("watch.yml")
        states = [row["state"] for row in evidence["details"]["responses"]]
        if states and states[-1] != (self.states[-1] if self.states else ""):
            self.states += states
            self._say(f"watch: {evidence['reason']} ({states[-1]})")
        for reason in self.dead[reported:]:
            self._say(f"watch: {reason}")
        if "confirm" in states:
            self._ran("watch.yml", self.production.workflow("schedule", "watch.yml"))
            self._ran("confirm.yml", self.production.carry_out("confirm.yml"))
            self.watch(hour)
        elif "act" in states:
            self._act()

    def _act(self) -> None:
        """Ask for the rollback and the revert; carry them out, unless the week is brief."""
        if self.brief:
            self._command("watch", "--respond", "true")
            return
        self._ran("watch.yml", self.production.workflow("schedule", "watch.yml"))
        with self.production.under_load():
            self._ran("undo.yml", self.production.carry_out("undo.yml"))
        self._undone()

    def _undone(self) -> None:
        """The traffic is back, and the commit reverted: deploy the revert, which the workflow asked for."""
        self.live = "rounded"
        assert self.production.candidate_share() == 0.0
        commit = self.production.head()
        self._say(f"reverted by {commit[:12]}; the candidate has no traffic")
        for run in self.production.dispatched("deploy.yml"):
            run.update(status="completed", conclusion="success")
        self.commits["revert"] = commit
        self._gate("revert", self.commits["rounded"])

    def _harvest(self, hour: datetime) -> None:
        self.production.update()
        self._command("harvest")
        evidence = self.production.evidence("harvest")
        (finding,) = (f for f in evidence["findings"] if f["id"] == "harvest-retrain")
        if finding["outcome"] != "warn" or self.retrained:
            return
        self._say(f"harvest: {finding['reason']}")
        self._ran("harvest.yml", self.production.workflow("schedule", "harvest.yml"))
        self._ran("retrain.yml", self.production.carry_out("retrain.yml"))
        self.commits["retrained"], self.retrained = self.production.head(), hour
        self.production.update()
        source = repository.ROUNDED
        self.measured["retrained"] = deployments.measured_source(self.production, source, self.seconds, LEVELS)
        # The revert waits for its promotion: its files are those that serve since the rollback.
        self._release("retrained", self.commits[self.live])

    def _command(self, *args: str) -> Done:
        done = self.production.command(*args)
        assert done.code in (0, 1), done.text
        return done

    def _ran(self, name: str, run: Run) -> None:
        self.runs.append((name, run.jobs))
        self._say(f"{name} under the runner: {json.dumps(run.jobs)}")
        assert set(run.jobs.values()) == {"success"}, run.text

    def _say(self, line: str) -> None:
        self.tell(self.production.clock.now(), line)


def hours(first: datetime, end: datetime) -> list[datetime]:
    """Return the hours between two times."""
    return [first + HOUR * index for index in range(int((end - first) / HOUR))]


def measure_all(production: Production, seconds: float, names: Sequence[str] = ()) -> dict[str, Measured]:
    """Return what each version does under load, each by a real service.

    Args:
        production: What runs.
        seconds: Load of each level.
        names: Versions; all by default.
    """
    sources = {"start": repository.SERVICE, "upstream": repository.SLOW_UPSTREAM}
    sources |= {name: change.source for name, change in CHANGES.items()}
    results = {}
    for name, source in sources.items():
        if names and name not in names:
            continue
        levels = LEVELS[:2] if name == "upstream" else LEVELS
        results[name] = deployments.measured_source(production, source, seconds, levels)
    return results
