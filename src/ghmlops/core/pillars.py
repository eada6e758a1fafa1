"""The table of pillars: one row per command that produces evidence.

Adding a pillar is its command in `ghmlops.commands`, its section in the policy (a type and a reader), and a row here.
`check`, `gate`, the comment, the page, JUnit and the commands that reproduce a run follow from the row.
"""

from __future__ import annotations

import msgspec


class Pillar(msgspec.Struct, frozen=True, kw_only=True):
    """A command that produces evidence.

    Attributes:
        command: name of the command and of its evidence.
        section: field of the policy that configures it; empty if it has no separate section.
        title: name of the pillar in a report.
        summary: what it does, in one line.
        required: whether the gate requires its evidence if the policy has the section and no `gate.require`.
        deterministic: whether the result follows from files alone, so that a failure needs no confirming run.
        seeded: whether a seed reproduces it.
        sends_load: whether it sends requests to the arms of a comparison.
        in_check: whether `check` runs it.
        needs_twin: whether it asks a second process of the baseline, too.
        starts_arms: whether it starts the services that other pillars send load to.
        compares: whether it compares the candidate with the baseline, so that its evidence must name the right one.
    """

    command: str
    section: str
    title: str
    summary: str
    required: bool = False
    deterministic: bool = False
    seeded: bool = False
    sends_load: bool = False
    in_check: bool = False
    needs_twin: bool = False
    starts_arms: bool = False
    compares: bool = False


PILLARS = (
    Pillar(
        command="preview",
        section="preview",
        title="Preview",
        summary="start a service or find it by its URL, wait until it is ready, output its URL",
        in_check=True,
        starts_arms=True,
    ),
    Pillar(
        command="latency",
        section="latency",
        title="Latency",
        summary="latency against the objectives and, with a baseline, the paired verdict",
        required=True,
        seeded=True,
        sends_load=True,
        in_check=True,
        compares=True,
    ),
    Pillar(
        command="capacity",
        section="capacity",
        title="Capacity",
        summary="highest arrival rate that meets the objectives, with an interval",
        seeded=True,
        sends_load=True,
    ),
    Pillar(
        command="synthetic",
        section="synthetic",
        title="Synthetic",
        summary="generated and metamorphic requests, relative to the baseline, with failures that can be replayed",
        required=True,
        seeded=True,
        sends_load=True,
        in_check=True,
        compares=True,
    ),
    Pillar(
        command="shadow",
        section="shadow",
        title="Shadow",
        summary="the same recorded requests to baseline and candidate; answers compared, nothing served",
        required=True,
        seeded=True,
        sends_load=True,
        in_check=True,
        compares=True,
        needs_twin=True,
    ),
    Pillar(
        command="import",
        section="",
        title="Imported latency",
        summary="results of another load generator, judged by the same policy",
    ),
    Pillar(
        command="regression",
        section="regression",
        title="Predictions",
        summary="difference between two Parquet prediction artifacts",
        required=True,
        deterministic=True,
        in_check=True,
        compares=True,
    ),
    Pillar(
        command="watch",
        section="watch",
        title="Production",
        summary="look at metrics of production: lasting changes, error budgets, missing data",
    ),
    Pillar(
        command="harvest",
        section="harvest",
        title="Harvest",
        summary="take a sample of payloads from live traffic, with weights and without secrets",
        seeded=True,
    ),
    Pillar(
        command="scale",
        section="scale",
        title="Scaling",
        summary="replicas from measured capacity and demand: a plan, manifests of autoscalers, or the replicas",
    ),
)

OTHER_EVIDENCE = ("check", "rebuild")
"""Commands that write evidence about a run or a build, beside the pillars."""


def writes_evidence(command: str) -> bool:
    """Return whether a command of this project writes evidence."""
    return command in OTHER_EVIDENCE or find_pillar(command) is not None


def find_pillar(command: str) -> Pillar | None:
    """Return the pillar of a command; `None` if the command is no pillar."""
    return next((pillar for pillar in PILLARS if pillar.command == command), None)


def is_deterministic(command: str) -> bool:
    """Return whether the result of a command follows from files alone."""
    pillar = find_pillar(command)
    return pillar is not None and pillar.deterministic
