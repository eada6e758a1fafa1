"""Runs everything that the policy requires before a merge, pillar by pillar, and writes one report."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

from ghmlops.commands.check.inputs import Inputs
from ghmlops.commands.shared.base import dry_run_result
from ghmlops.core.errors import GitError
from ghmlops.core.pillars import PILLARS
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.check.job import Job
    from ghmlops.commands.shared.base import Result, Services
    from ghmlops.core.model import Finding, NotMeasured


def run(inputs: Inputs, services: Services) -> Result:
    """Run every pillar of the policy, then the report over their evidence.

    A pillar that cannot be judged does not prevent the others from running: its error becomes evidence, and the verdict
    is then `error`.

    Raises:
        PolicyError: The policy is missing or invalid, or measures nothing.
        InputError: `base` is not a commit of this repository.
    """
    from ghmlops.commands.baseline.affected import unaffected
    from ghmlops.commands.check.job import prepare
    from ghmlops.commands.check.prepare_build import prepare_build
    from ghmlops.commands.check.run_pillar import write_findings
    from ghmlops.commands.shared.stale_evidence.unfinished import unfinished
    from ghmlops.core.policy.summary import describe

    if inputs.prepare_build:
        return prepare_build(inputs, services)
    if inputs.dry_run:
        job = prepare(inputs, services)
        lines = [*describe(job.policy), f"baseline commit: {job.base or 'none: no comparison of latency'}"]
        if (finding := unaffected(job.policy, inputs.policy, job.base, services)) is not None:
            lines.append(f"nothing would be measured: {finding.reason}")
        return dry_run_result("Nothing was run.", terminal.block(lines))
    _remove_old_evidence(inputs, services)
    with unfinished("check", inputs, services):
        job = prepare(inputs, services)
        if (finding := unaffected(job.policy, inputs.policy, job.base, services)) is not None:
            services.console.note(f"check: {finding.reason}")
            write_findings(job, "check", [finding])
        else:
            _measure(job)
    return _report(job)


def _measure(job: Job) -> None:
    """Run every pillar; at last write the evidence about the inputs, so that a run that is killed leaves an error."""
    from ghmlops.commands.check.changed_inputs import unreadable_finding
    from ghmlops.commands.check.judges import judging_jobs, trusted_job
    from ghmlops.commands.check.run_pillar import run_pillar, start_candidate, write_findings

    with contextlib.ExitStack() as stack:
        stack.enter_context(job.builds)
        try:
            trusted = stack.enter_context(trusted_job(job))
            findings, unknown = _judge_inputs(trusted)
        except GitError as error:
            trusted, unknown = job, []
            findings = [unreadable_finding(job.base, error.message)]
        judges = judging_jobs(trusted)
        for judge, pillars in judges:
            for pillar in pillars:
                run_pillar(judge, pillar)
        if not any(pillar.sends_load for _, pillars in judges for pillar in pillars):
            for judge, starting in ((judge, judge.starting_pillar) for judge, _ in judges[:1]):
                if starting:
                    start_candidate(judge, starting)
    if findings:
        write_findings(job, "check", findings, unknown)


def _remove_old_evidence(inputs: Inputs, services: Services) -> None:
    """Remove what an earlier run of `check` left, also of pillars that the policy no longer has, and its verdict."""
    from ghmlops.act.evidence import remove_evidence, remove_file
    from ghmlops.commands.check.judges import head_leg
    from ghmlops.commands.check.run_pillar import confirm_leg

    folder = services.cwd / inputs.evidence_dir
    remove_file(folder / "verdict.json")
    commands = [pillar.command for pillar in PILLARS if pillar.in_check]
    legs = [leg for judge in (inputs.leg, head_leg(inputs.leg)) for leg in (judge, confirm_leg(judge))]
    for command, leg in [*((command, leg) for command in commands for leg in legs), ("check", head_leg(inputs.leg))]:
        remove_evidence(folder, command, leg)


def _judge_inputs(job: Job) -> tuple[list[Finding], list[NotMeasured]]:
    """Return whether the change alters the policy, or a file, by which it is judged: a person decides about that."""
    from ghmlops.commands.check.changed_inputs import input_findings, policy_finding
    from ghmlops.core.policy.input_files import input_files, is_local

    trusted, cwd, inputs = job.services.trusted, job.services.cwd, job.inputs
    if trusted is None:
        return [], []
    files = input_files(job.head_policy) | (input_files(job.base_policy) if job.base_policy else {})
    files |= {inputs.baseline: "baseline"} if is_local(inputs.baseline) else {}
    findings, unknown = input_findings(trusted, cwd, files, job.base)
    return [policy_finding(trusted, cwd, inputs.policy, job.base), *findings], unknown


def _report(job: Job) -> Result:
    from ghmlops.commands import report
    from ghmlops.commands.check.run_pillar import shared_inputs

    result = report.run(shared_inputs(report.Inputs, job.inputs, comment="off"), job.services)
    outputs = {name: value for name, value in result.outputs.items() if name != "comment-url"}
    return dataclasses.replace(result, outputs={**outputs, "evidence-dir": job.inputs.evidence_dir, "build-key": ""})
