"""Runs everything that the policy requires before a merge, pillar by pillar, and writes one report."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

from ghmlops.commands.check.inputs import Inputs
from ghmlops.commands.shared.base import dry_run_result
from ghmlops.core.errors import InputError
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.pillars import PILLARS
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.check.job import Job
    from ghmlops.commands.shared.base import Result, Services


def run(inputs: Inputs, services: Services) -> Result:
    """Run every pillar of the policy, then the report over their evidence.

    A pillar that cannot be judged does not prevent the others from running: its error becomes evidence, and the verdict
    is then `error`.

    Raises:
        PolicyError: The policy is missing or invalid, or measures nothing.
        InputError: `base` is not a commit of this repository.
    """
    from ghmlops.commands.check.job import prepare
    from ghmlops.commands.check.run_pillar import run_pillar, start_candidate
    from ghmlops.core.policy.summary import describe

    job = prepare(inputs, services)
    if inputs.dry_run:
        lines = [*describe(job.policy), f"baseline commit: {job.base or 'none: no comparison of latency'}"]
        return dry_run_result("Nothing was run.", terminal.block(lines))
    _remove_old_evidence(job)
    _compare_policies(job)
    for pillar in job.pillars:
        run_pillar(job, pillar)
    if starting := job.starting_pillar:
        start_candidate(job, starting)
    return _report(job)


def _remove_old_evidence(job: Job) -> None:
    """Remove what an earlier run of `check` left, so that old evidence cannot replace new evidence."""
    from ghmlops.act.evidence import evidence_name
    from ghmlops.commands.check.run_pillar import confirm_leg

    inputs, folder = job.inputs, job.services.cwd / job.inputs.evidence_dir
    commands = ["check", *(pillar.command for pillar in PILLARS if pillar.in_check)]
    for name in (evidence_name(command, leg) for command in commands for leg in (inputs.leg, confirm_leg(inputs.leg))):
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"cannot remove {inputs.evidence_dir}/{name}: {error.strerror}",
                hint="name a separate folder with --evidence-dir",
            ) from None


def _compare_policies(job: Job) -> None:
    """Report whether the change under test also changes the policy that judges it: a person decides about that."""
    from ghmlops.commands.check.run_pillar import write_findings
    from ghmlops.measure.checkout import git_read

    cwd, file = job.services.cwd, job.services.cwd / job.inputs.policy
    if not job.base:
        return
    before = git_read(cwd, "show", f"{job.base}:./{os.path.relpath(file, cwd)}")
    same = before == file.read_text(encoding="utf-8").strip()
    difference = "differs from the one in" if before else "does not exist in"
    finding = Finding(
        id="policy-unchanged" if same else "policy-changed",
        metric="policy",
        outcome=Outcome.PASS if same else Outcome.WARN,
        reason=f"The policy {'is the same as in' if same else difference} the baseline's commit {job.base[:12]}.",
        docs="README.md#the-policy",
        description="The change is judged by the policy of its baseline.",
    )
    write_findings(job, "check", [finding])


def _report(job: Job) -> Result:
    from ghmlops.commands import report
    from ghmlops.commands.check.run_pillar import shared_inputs

    result = report.run(shared_inputs(report.Inputs, job.inputs, comment=False), job.services)
    outputs = {name: value for name, value in result.outputs.items() if name != "comment-url"}
    return dataclasses.replace(result, outputs={**outputs, "evidence-dir": job.inputs.evidence_dir})
