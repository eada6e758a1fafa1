"""Reads what follows from an alarm: `on`, `workflows`, `limits` and `dismiss` of the section `watch`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from ghmlops.core import quantities
from ghmlops.core.policy.production.watch import (
    AlarmReaction,
    ConfirmedReaction,
    Dismissal,
    Reactions,
    WatchLimits,
    Workflows,
)
from ghmlops.core.policyfile.scalars import SECONDS, moment, relative_path, workflow_file
from ghmlops.core.policyfile.yaml_reader import Located, listing, one_of, record, scalar, text

if TYPE_CHECKING:
    from ghmlops.core.policy.production.watch import Watch

_WORKFLOW = workflow_file("confirm.yml")
_PER_DAY = re.compile(r"([0-9]{1,3})/day")


def read_reactions(at: Located) -> Reactions:
    """Read `on`."""
    readers = {
        "alarm": one_of(*get_args(AlarmReaction)),
        "confirmed": one_of(*get_args(ConfirmedReaction)),
        "unconfirmed": one_of("issue"),
    }
    reactions: Reactions = record(Reactions, readers)(at)
    return reactions


def read_workflows(at: Located) -> Workflows:
    """Read `workflows`."""
    workflows: Workflows = record(Workflows, dict.fromkeys(("watch", "confirm", "rollback", "revert"), _WORKFLOW))(at)
    return workflows


def read_limits(at: Located) -> WatchLimits:
    """Read `limits`."""
    readers = {"actions": _actions, "pace": SECONDS, "freeze-file": relative_path("repository", ".github/freeze")}
    limits: WatchLimits = record(WatchLimits, readers)(at)
    return limits


def read_dismissals(at: Located) -> tuple[Dismissal, ...]:
    """Read `dismiss`."""
    return listing(_dismissal)(at)


def check_reactions(at: Located, watch: Watch) -> None:
    """Refuse reactions that could not be carried out.

    Raises:
        PolicyError: A workflow is not named, a reaction has no verdict to follow from, or a metric does not exist.
    """
    names = [metric.name for metric in watch.metrics]
    for dismissal in watch.dismiss:
        if dismissal.metric not in names:
            raise at.error(
                f"`dismiss` names `{dismissal.metric}`, which is no metric of `watch.metrics`",
                f"metrics: {', '.join(names)}",
            )
    if watch.on.alarm == "confirm" and not watch.workflows.confirm:
        raise at.error(
            "`on.alarm: confirm` needs `workflows.confirm`", "the workflow that calls watch-confirm.yml, by its file"
        )
    if watch.on.confirmed == "propose":
        return
    if watch.on.alarm != "confirm":
        raise at.error("`on.confirmed` needs `on.alarm: confirm`", "without a verdict, nothing is confirmed")
    if not watch.workflows.rollback and not watch.workflows.revert:
        raise at.error(
            "`on.confirmed: rollback-else-revert` needs `workflows.rollback` or `workflows.revert`",
            "name the workflow that rolls back, or the one that reverts, by its file",
        )


def _dismissal(at: Located) -> Dismissal:
    readers = {"metric": text, "onset": moment("a time", "2026-11-28T07:00:00Z"), "reason": _reason}
    dismissal: Dismissal = record(Dismissal, readers, required=("metric", "onset", "reason"))(at)
    return dismissal


def _reason(at: Located) -> str:
    value = text(at)
    if not any(character.isalnum() for character in value):
        raise at.error("expected a reason")
    return value


def _actions(at: Located) -> int:
    value = text(at).strip()
    match = _PER_DAY.fullmatch(value)
    return int(match[1]) if match else scalar(quantities.count)(at)
