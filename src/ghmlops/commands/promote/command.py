"""Runs `promote`, and turns its record into a result."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
from tabulate import tabulate

from ghmlops.act.targets import read_shares
from ghmlops.commands.promote import lock
from ghmlops.commands.promote.deployment import open_deployment
from ghmlops.commands.promote.job import prepare
from ghmlops.commands.promote.walk import Walk
from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.core.model import Outcome
from ghmlops.core.promotion.weights import integer_weights, rung_shares

if TYPE_CHECKING:
    from ghmlops.commands.promote.inputs import Inputs
    from ghmlops.commands.promote.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.promotion.record import PromotionRecord

_OUTCOMES = {"complete": Outcome.PASS, "hold": Outcome.INCONCLUSIVE, "rollback": Outcome.FAIL}


def run(inputs: Inputs, services: Services) -> Result:
    """Promote a candidate, or change the lock. A hold and a rollback are results with exit code 1.

    Raises:
        InputError: An input is malformed.
        PolicyError: The policy cannot be read, or configures no promotion.
        NeedsPerson: The target is not where a promotion can start, the gate did not let the commit through, or another
            run holds the lock.
        EvidenceError: The evidence of the baseline's capacity cannot be used.
        GitHubError: GitHub refused a request.
        ServiceError: The target cannot be reached, or refuses a change.
        DataError: There is no access log.
    """
    if inputs.lock:
        return lock.run(inputs, services)
    job = prepare(inputs, services)
    if inputs.dry_run:
        return _plan(job)
    with open_deployment(job, inputs.token, services) as deployment:
        walk = Walk(
            job=job,
            deployment=deployment,
            now=services.now,
            sleep=time.sleep,
            note=services.console.note,
            run_url=services.context.run_url,
        )
        record = walk.run(resume=inputs.resume)
    return _result(job, record)


def _plan(job: Job) -> Result:
    """Return the weights of every rung, after a look at the target and at the log; nothing is changed."""
    job.open_log()
    now, servers = read_shares(job.target), job.target.servers()
    rows = []
    for rung, share in enumerate(job.policy.ladder, 1):
        shares = rung_shares(share, with_twin=job.policy.compare == "twin")
        weights = integer_weights(shares, servers, job.target.limit)
        rows.append([rung, f"{share:.2%}", *(weights.get(arm, "") for arm in servers)])
    table = tabulate(rows, headers=["rung", "share", *servers], tablefmt="simple")
    return dry_run_result(
        f"The candidate has {now.candidate:.2%} of the traffic; {len(rows)} rungs are planned.",
        f"The candidate has {now.candidate:.2%} of the traffic now. Weights of each server:\n\n{table}\n",
        {"share": now.candidate, "ladder": list(job.policy.ladder)},
    )


def _result(job: Job, record: PromotionRecord) -> Result:
    outcome = _OUTCOMES[record.decision]
    rows = [
        [
            f"{rung.share:.2%}",
            *(f"{rung.requests[arm]:,} ({rung.errors[arm]:,})" for arm in job.target.servers()),
            _state(rung.passed),
        ]
        for rung in record.rungs
    ]
    headers = ["share", *(f"{arm}: requests (failed)" for arm in job.target.servers()), "rung"]
    sentence = f"{record.decision}: {record.reason} The candidate has {record.shares.candidate:.2%} of the traffic."
    table = tabulate(rows, headers=headers, tablefmt="github")
    return Result(
        outcome=outcome,
        reason_code=record.reason_code,
        reason=record.reason,
        outputs={
            "decision": record.decision,
            "share": f"{record.shares.candidate:.6g}",
            "record-file": str(job.record_path),
        },
        text=f"{tabulate(rows, headers=headers, tablefmt='simple')}\n\n{sentence}\n",
        summary=f"### Promotion of `{job.commit[:12]}`\n\n{sentence}\n\n{table}\n",
        data=msgspec.to_builtins(record),
        exit_code=0 if outcome is Outcome.PASS else 1,
    )


def _state(passed: bool) -> str:
    return "passed" if passed else "not passed"
