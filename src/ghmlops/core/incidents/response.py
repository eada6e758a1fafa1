"""What follows from the alarms that last: nothing, a paired verdict, a rollback or a revert. Pure.

The state of an incident is derived from the history and from the workflow runs that were dispatched for it, never from
anything that `watch` remembers, so that a lost response, a killed run and two watchers at once lead to one step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.history.record import record_time
from ghmlops.core.incidents.accuracy import undoing
from ghmlops.core.incidents.requests import request_of
from ghmlops.core.incidents.standing import State, last_good, replaced_elsewhere, standing_of, verdict_of
from ghmlops.core.watch.incident import Incident, StepKind, alarm_text, group_alarms

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from ghmlops.core.history.reading import Stored
    from ghmlops.core.history.record import ConfirmationRecord
    from ghmlops.core.incidents.accuracy import Accuracy
    from ghmlops.core.policy.production.watch import Watch
    from ghmlops.core.watch.cause import Deployed
    from ghmlops.core.watch.incident import OpenAlarm

CAP_PERIOD = timedelta(hours=24)
"""Period in which rollbacks and reverts are counted."""


class Run(NamedTuple):
    """A dispatched workflow run: its address, and whether it has ended."""

    url: str
    is_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything that decides besides the alarms.

    Attributes:
        records: records of the service and environment in the order of time.
        problem: why the history does not count; empty if it does.
        is_partial: whether that is a single record, in spite of which traffic may return.
        unusable: metrics whose data does not count.
        runs: each word of the run-names to the oldest workflow run with it; a word may contain the id of a request.
        frozen: whether the freeze file exists on the default branch.
        accuracy: how often `watch` was right.
        relands: deployments that brought back what was reverted before, by a revert of the revert.
        blind: why there may be more of them, or more wrong actions; empty if there are none.
        unrecorded: live deployments that only GitHub knows, in the order of time.
        now: current time (UTC).
    """

    records: Sequence[Stored]
    problem: str = ""
    is_partial: bool = False
    unusable: Collection[str] = ()
    runs: Mapping[str, Run]
    frozen: bool = False
    accuracy: Accuracy
    relands: Collection[str] = ()
    blind: str = ""
    unrecorded: Sequence[Deployed] = ()
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What follows from one incident; `kind`, `workflow` and `inputs` are those of the workflow to start."""

    incident: Incident
    state: State
    reason: str
    kind: StepKind | None = None
    workflow: str = ""
    inputs: dict[str, str] = field(default_factory=dict)

    @property
    def request(self) -> str:
        """Id of the request; empty if nothing is started."""
        return self.inputs.get("request", "")


def respond(
    watch: Watch, service: str, environment: str, alarms: Sequence[OpenAlarm], situation: Situation
) -> list[Response]:
    """Return what follows from the alarms, one response for the alarms of one deployment.

    Args:
        watch: the section `watch`.
        service: the service.
        environment: its environment.
        alarms: alarms that last.
        situation: everything else that decides.
    """
    responses = []
    for commit, group in group_alarms(alarms).items():
        base = last_good(situation.records, commit) if commit else ""
        incident = Incident(service, environment, commit, base, group)
        responses.append(_respond(watch, incident, situation))
    return responses


def _respond(watch: Watch, incident: Incident, situation: Situation) -> Response:
    """Refuse in a fixed order, so that the same situation always has the same reason."""
    usable = [alarm for alarm in incident.alarms if alarm.metric not in situation.unusable]
    returns = situation.is_partial and _step(watch)[0] == "rollback"
    if problem := ("" if returns else situation.problem) or ("" if usable else _UNUSABLE):
        return _answer(incident, State.UNUSABLE, problem)
    if not incident.commit:
        return _answer(incident, State.EXTERNAL, _EXTERNAL)
    if (answer := _unrecorded(incident, situation)) is not None:
        return answer
    if (standing := standing_of(incident, situation.records, situation.relands)) is not None:
        return _answer(incident, *standing)
    for check in (_confirmation, _running, _limits):
        if (answer := check(watch, incident, situation)) is not None:
            return answer
    return _act(watch, incident, situation)


_UNUSABLE = "The data of the metric does not count now, so that nothing is confirmed or undone."
_EXTERNAL = "No deployment precedes the alarm: its cause is external, and a rollback or revert would not help."


def _unrecorded(incident: Incident, situation: Situation) -> Response | None:
    """Return what a deployment means that only GitHub knows: what it is about is not undone by the history."""
    if any(deployed.commit == incident.commit for deployed in situation.unrecorded):
        reason = "Only GitHub knows the deployment. Without its record in the history nothing is confirmed or undone."
        return _answer(incident, State.UNRECORDED, reason)
    replaced = replaced_elsewhere(incident, situation.records, situation.unrecorded)
    return _answer(incident, *replaced) if replaced else None


def _confirmation(watch: Watch, incident: Incident, situation: Situation) -> Response | None:
    """Return the state of the paired verdict; `None` if it confirms a failure."""
    if watch.on.alarm != "confirm":
        return _answer(incident, State.OFF, "An alarm only opens an issue (`on.alarm: issue`).")
    verdict = verdict_of(incident, situation.records)
    if verdict is not None and verdict.is_confirmed:
        return None
    if verdict is not None:
        reason = f"The paired verdict is {verdict.outcome.value} ({verdict.reason_code}): no confirmed failure."
        return _answer(incident, State.NOT_CONFIRMED, reason)
    if (run := _run_of(incident, "confirm", situation)) is not None:
        if run.is_complete:
            reason = f"The run that was to confirm it has ended without a verdict in the history: {run.url}"
            return _answer(incident, State.NO_VERDICT, reason)
        return _answer(incident, State.CONFIRMING, f"The paired verdict is being measured: {run.url}")
    return Response(
        incident=incident,
        state=State.CONFIRM,
        reason=f"A paired verdict of {incident.commit[:12]} against {incident.base[:12]} is needed.",
        kind="confirm",
        workflow=watch.workflows.confirm,
        inputs=_inputs(incident, "confirm"),
    )


def _run_of(incident: Incident, kind: StepKind, situation: Situation) -> Run | None:
    request = request_of(incident, kind)
    return next((run for word, run in situation.runs.items() if request in word), None)


def _running(watch: Watch, incident: Incident, situation: Situation) -> Response | None:
    """Return what became of a step that was started already; `None` if none was."""
    if watch.on.confirmed == "propose":
        return _answer(incident, State.PROPOSED, "The failure is confirmed. Undo the deployment, or accept the change.")
    kind, _ = _step(watch)
    if (run := _run_of(incident, kind, situation)) is not None:
        if run.is_complete:
            reason = f"The run that was to undo it has ended, and the history has no {kind} of it: {run.url}"
            return _answer(incident, State.ACT_FAILED, reason)
        return _answer(incident, State.ACTING, f"The {kind} is running: {run.url}")
    return None


def _limits(watch: Watch, incident: Incident, situation: Situation) -> Response | None:
    """Return what stops a step although the failure is confirmed."""
    if situation.frozen:
        return _answer(incident, State.FROZEN, f"The freeze file `{watch.limits.freeze_file}` exists.")
    recent = [
        record_time(stored.record)
        for stored in situation.records
        if undoing(stored.record) and situation.now - record_time(stored.record) < CAP_PERIOD
    ]
    if len(recent) >= watch.limits.actions:
        reason = f"{len(recent)} rollbacks and reverts within 24 hours; `limits.actions` is {watch.limits.actions}."
        return _answer(incident, State.CAPPED, reason)
    if recent and (situation.now - max(recent)).total_seconds() < watch.limits.pace:
        return _answer(incident, State.PACED, f"The last one was at {max(recent):%H:%M} UTC; `limits.pace` is longer.")
    if situation.blind:
        return _answer(incident, State.PROPOSED, f"Whether earlier reverts were wrong is unknown: {situation.blind}.")
    if not situation.accuracy.may_act:
        accuracy = situation.accuracy
        reason = f"{accuracy.false_positives} of the last {accuracy.actions} actions were wrong, so it only proposes."
        return _answer(incident, State.PROPOSED, reason)
    return None


def _step(watch: Watch) -> tuple[StepKind, str]:
    """Return the step that undoes a deployment: traffic where a workflow rolls it back, or else the commit."""
    if watch.workflows.rollback:
        return "rollback", watch.workflows.rollback
    return "revert", watch.workflows.revert


def _act(watch: Watch, incident: Incident, situation: Situation) -> Response:
    kind, workflow = _step(watch)
    verdict = verdict_of(incident, situation.records)
    return Response(
        incident=incident,
        state=State.ACT,
        reason=f"The paired verdict confirms the failure of {incident.commit[:12]} against {incident.base[:12]}.",
        kind=kind,
        workflow=workflow,
        inputs=_inputs(incident, kind) | _source(verdict),
    )


def _source(verdict: ConfirmationRecord | None) -> dict[str, str]:
    """Return the run that has the verdict as an artifact."""
    return {"run-id": verdict.run_id, "run-attempt": str(verdict.run_attempt)} if verdict else {}


def _inputs(incident: Incident, kind: StepKind) -> dict[str, str]:
    first = incident.alarms[0]
    return {
        "request": request_of(incident, kind),
        "commit": incident.commit,
        "base": incident.base,
        "alarm": alarm_text(first.metric, first.onset),
    }


def _answer(incident: Incident, state: State, reason: str) -> Response:
    return Response(incident=incident, state=state, reason=reason)
