"""Runs one pillar of the policy: its command, with the inputs that it shares with `check`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from ghmlops.commands import command_module
from ghmlops.commands.shared.baseline_file import ABSENT, UNREADABLE
from ghmlops.commands.shared.evidence import EvidenceContent, open_recorder, record
from ghmlops.core.errors import GhmlopsError, InputError
from ghmlops.core.model import Finding, NotMeasured, Outcome, finite
from ghmlops.core.quantities import format_duration
from ghmlops.core.verdict.confirmation import CONFIRM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.commands.check.arms import Arms
    from ghmlops.commands.check.job import Job
    from ghmlops.commands.shared.base import Common, Result
    from ghmlops.core.pillars import Pillar

T = TypeVar("T", bound="Common")


def run_pillar(job: Job, pillar: Pillar) -> None:
    """Run the command of a pillar; if it cannot judge, write its error as evidence, so that the others still run."""
    measure = _load if pillar.sends_load else _run_command
    _judge(job, pillar, lambda: measure(job, pillar))


def start_candidate(job: Job, pillar: Pillar) -> None:
    """Start the candidate only to show that it becomes ready."""
    _judge(job, pillar, lambda: _start(job))


def _judge(job: Job, pillar: Pillar, measure: Callable[[], tuple[Outcome, str]]) -> None:
    name, console = pillar.command, job.services.console
    console.note(f"{name}: measuring")
    try:
        outcome, reason = measure()
    except GhmlopsError as error:
        if error.reason_code == ABSENT:
            write_findings(job, name, [_no_baseline(job, name, error)])
            console.note(f"{name}: {error.message}")
            return
        # The error becomes evidence with the outcome `error`, and no verdict can be better than that. A baseline that
        # exists and cannot be read says nothing about the change.
        outcome = Outcome.INCONCLUSIVE if error.reason_code == UNREADABLE else Outcome.ERROR
        reason = f"{name} could not be judged: {error.message}" + (f"; {error.hint}" if error.hint else "") + "."
        finding = Finding(
            id=f"{name}-not-judged",
            metric=name,
            outcome=outcome,
            reason=reason,
            docs=f"actions/{pillar.command}/README.md#limits",
            description="The pillar could be measured.",
        )
        write_findings(job, name, [finding])
        console.note(f"{name}: {outcome.value}: {error.message}")
        return
    console.note(f"{name}: {outcome.value}: {reason}")


def _no_baseline(job: Job, command: str, error: GhmlopsError) -> Finding:
    """Return the finding about a comparison without a baseline; `gate.first-run` of the baseline's policy judges it."""
    gate = (job.base_policy or job.policy).gate
    return Finding(
        id=ABSENT,
        metric=command,
        outcome=Outcome(gate.first_run),
        reason=f"{error.message[:1].upper()}{error.message[1:]}.",
        docs="actions/check/README.md#predictions",
        description="There is a baseline to compare with.",
    )


def _run_command(job: Job, pillar: Pillar, **values: str | bool) -> tuple[Outcome, str]:
    _refuse_artifacts(job, pillar)
    if pillar.command == "regression":
        from ghmlops.commands.check.predictions import predicted

        values |= predicted(job)
    module = command_module(pillar.command)
    result: Result = module.run(shared_inputs(module.Inputs, job.inputs, **values), job.services)
    return result.outcome, result.reason


def _refuse_artifacts(job: Job, pillar: Pillar) -> None:
    """Refuse artifacts of workflow runs: they need a token, which the code of the change could read.

    Raises:
        InputError: The policy or an input names one that the job `baseline` did not download.
    """
    from ghmlops.commands.shared.baseline_file import read_baseline

    regression, inputs = job.policy.regression, job.inputs
    if pillar.command != "regression" or regression is None:
        return
    roles = ("baseline", "labels", "noise", "candidate")
    specs = [spec for one in regression.datasets for role in roles for spec in getattr(one, role)]
    overrides = (inputs.baseline, inputs.candidate)
    downloaded: set[str] = set()
    if inputs.baseline_file:
        baseline = read_baseline(job.services.cwd / inputs.baseline_file, inputs.baseline_file)
        if not baseline.base_sha:
            return  # `regression` reports that there is no baseline yet
        downloaded = {*baseline.artifacts, *baseline.problems, *baseline.absent}
    for spec in (*specs, *overrides):
        if spec.startswith("artifact:") and spec not in downloaded:
            raise InputError(
                f"`check` runs the code of the change, so it has no token and downloads no artifact ({spec})",
                hint="let a job with actions/baseline download the baseline and pass its file as `baseline-file`, or "
                "compare in a separate job with actions/regression",
                reason_code="artifact-refused",
            )


def shared_inputs(kind: type[T], inputs: Common, **values: Any) -> T:  # noqa: ANN401  (values of any input)
    """Return inputs of a command: `values`, and the inputs of the same name; other fields keep their defaults.

    A value that the command has no input for is left out.
    """
    shared = {name: getattr(inputs, name) for name in kind.__struct_fields__ if hasattr(inputs, name)}
    return kind(**(shared | {name: value for name, value in values.items() if name in kind.__struct_fields__}))


def _load(job: Job, pillar: Pillar) -> tuple[Outcome, str]:
    """Measure both arms; if the candidate fails, measure again on fresh deployments with the slots swapped."""
    from ghmlops.act.evidence import evidence_name
    from ghmlops.commands.check.arms import deployed

    twin = pillar.needs_twin and bool(getattr(getattr(job.policy, pillar.section), "twin", True))
    with deployed(job, twin=twin) as arms:
        write_ready(job, arms)
        fresh = "candidate" in arms.started
        first = _run_command(job, pillar, **_addresses(arms), repeatable=fresh)
    if first[0] is not Outcome.FAIL or pillar.deterministic or not fresh:
        return first
    job.services.console.note(f"{pillar.command}: failed; measuring again on fresh deployments with the slots swapped")
    failed = f"{job.inputs.evidence_dir}/{evidence_name(pillar.command, job.inputs.leg)}"

    def again() -> tuple[Outcome, str]:
        with deployed(job, twin=twin, swapped=True) as arms:
            return _run_command(confirming, pillar, **_addresses(arms), confirm=failed)

    # An error of the second run becomes evidence in its leg, so that it does not replace the failure of the first.
    inputs = msgspec.structs.replace(job.inputs, leg=confirm_leg(job.inputs.leg))
    confirming = dataclasses.replace(job, inputs=inputs)
    _judge(confirming, pillar, again)
    return first


def _addresses(arms: Arms) -> dict[str, str]:
    return {"url": arms.candidate, "baseline_url": arms.baseline, "twin_url": arms.twin}


def confirm_leg(leg: str) -> str:
    """Return the leg of the run that confirms a failure in `leg`."""
    return f"{leg}-{CONFIRM}" if leg else CONFIRM


def _start(job: Job) -> tuple[Outcome, str]:
    from ghmlops.commands.check.arms import deployed

    with deployed(job, baseline=False) as arms:
        write_ready(job, arms)
        return Outcome.PASS, f"ready at {arms.candidate}."


def write_ready(job: Job, arms: Arms) -> None:
    """Write how long each service that was started here took until it was ready, and whether the arms differ."""
    from ghmlops.commands.check.difference import arm_findings

    findings = [
        Finding(
            id="preview-ready",
            metric="startup-time",
            outcome=Outcome.PASS,
            reason=f"The {arm} was ready after {format_duration(preview.seconds)}.",
            docs="actions/preview/README.md#start-a-command",
            description="The service starts and becomes ready.",
            dataset=arm,
            unit="s",
            candidate=finite(round(preview.seconds, 3)),
        )
        for arm, preview in arms.started.items()
    ]
    findings += arm_findings(job, arms)
    if findings:
        write_findings(job, "preview", findings)


def write_findings(job: Job, command: str, findings: list[Finding], not_measured: Sequence[NotMeasured] = ()) -> None:
    """Write evidence that consists of findings, and of what was not measured."""
    content = EvidenceContent(findings=findings, not_measured=list(not_measured))
    record(open_recorder(command, job.inputs, job.services), content)
