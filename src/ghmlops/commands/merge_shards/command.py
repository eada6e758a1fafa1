"""Joins the evidence of the shards of one latency run and judges their sum."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ghmlops.commands.merge_shards.inputs import Inputs
from ghmlops.commands.shared.base import dry_run_result
from ghmlops.commands.shared.evidence import EvidenceContent, open_recorder, record
from ghmlops.core.details.merge_shards import MergeShardsDetails, ShardRow
from ghmlops.core.model import Outcome
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.merge_shards.job import BrokenRun, Job
    from ghmlops.commands.shared.base import Result, Services
    from ghmlops.core.latency.shards.evidence import Shard
    from ghmlops.core.latency.tally import Tally
    from ghmlops.core.model import Finding, NotMeasured


def run(inputs: Inputs, services: Services) -> Result:
    """Read the shards, check that they belong together, judge their sum, write it as the evidence of `latency`.

    Raises:
        EvidenceError: A file is unusable or of another run, a shard is present twice, or there is no shard.
        PolicyError: The policy is invalid or has no section `latency`.
        InputError: The commit under test is unknown, or the evidence folder cannot be written to.
    """
    from ghmlops.commands.merge_shards.job import legs_by_name
    from ghmlops.commands.shared.stale_evidence.unfinished import unfinished

    with contextlib.ExitStack() as stack:
        for leg in legs_by_name(inputs, services):
            stack.enter_context(unfinished("latency", inputs, services, leg=leg))
        return _run(inputs, services)


def _run(inputs: Inputs, services: Services) -> Result:
    from ghmlops.commands.latency.summary import summarise
    from ghmlops.commands.merge_shards.job import BrokenRun, joined_log, prepare

    job = prepare(inputs, services)
    if isinstance(job, BrokenRun):
        return _report_broken(job, inputs, services)
    if inputs.dry_run:
        result = dry_run_result(
            f"Would join {len(job.shards)} of {job.shards[0].run.shards} shards.",
            terminal.block(shard.file for shard in job.shards),
        )
    else:
        recorder = open_recorder("latency", inputs, services, leg=job.shards[0].leg)
        result = record(recorder, _content(job, joined_log(job)), summarise)
    result.outputs["shards"] = str(len(job.shards))
    return result


def _report_broken(run: BrokenRun, inputs: Inputs, services: Services) -> Result:
    """Write why no load was sent as the evidence of the run."""
    from ghmlops.commands.latency.contact import summarise_broken

    if inputs.dry_run:
        result = dry_run_result(f"Would join {run.received} shards.", terminal.block([run.finding.reason]))
    else:
        recorder = open_recorder("latency", inputs, services, leg=run.leg)
        result = record(recorder, EvidenceContent(findings=[run.finding], seed=run.seed), summarise_broken)
    result.outputs["shards"] = str(run.received)
    return result


def _content(job: Job, log: bytes) -> EvidenceContent:
    """Return the content of the joined evidence; `log` is the sum of the histogram logs."""
    from ghmlops.core.latency import details as run_details
    from ghmlops.core.latency.shards.evidence import sum_shards
    from ghmlops.core.latency.shards.findings import judge_shards

    shards, policy, origin = job.shards, job.policy, job.origin
    tally, findings = sum_shards(shards), [*judge_shards(shards, policy), *_warnings(job)]
    data = {name: value for name, value in origin.fingerprints.items() if name.startswith(("data", "trace"))}
    return EvidenceContent(
        findings=findings,
        measurements=run_details.measurements(tally),
        not_measured=[*run_details.not_measured(tally, policy), *_full_arms(job)],
        details=_details(job, tally, findings),
        seed=origin.seed,
        fingerprints=data | {f"shard:{shard.run.shard}": shard.sha256 for shard in shards},
        started=min(shard.evidence.provenance.started for shard in shards),
        companions={"hlog": log},
    )


def _warnings(job: Job) -> list[Finding]:
    """Return the warning that the baseline answered the first requests badly, once."""
    from ghmlops.core.latency.contact.first_answers import BASELINE_BROKEN

    findings = (f for shard in job.shards for f in shard.evidence.findings if f.id == BASELINE_BROKEN)
    return [f for f in findings if f.outcome is Outcome.WARN][:1]


def _details(job: Job, tally: Tally, findings: list[Finding]) -> MergeShardsDetails:
    from ghmlops.commands.latency.evidence import confirmation
    from ghmlops.core.latency import details as run_details

    first = job.shards[0]
    return MergeShardsDetails(
        settings=first.details.settings,
        replay=first.details.replay,
        judged_per_arm=tally.requests,
        duet=run_details.duet_details(tally, job.policy, extended=False) if tally.baseline else None,
        endpoints=run_details.endpoint_details(tally, job.policy),
        failures=run_details.failure_details(tally, _examples(job)),
        generator=run_details.generator_details(tally),
        shards=[_row(shard) for shard in job.shards],
        shards_planned=first.run.shards,
        confirms=confirmation(first.details.confirms, findings),
        over_time=tally.over_time,
    )


def _full_arms(job: Job) -> list[NotMeasured]:
    """Return the arms that used all connections in any shard, each once."""
    from ghmlops.commands.latency.evidence import full_arms

    notes = [note for shard in job.shards for note in full_arms(shard.run, job.policy.connections)]
    return list({note.what: note for note in notes}.values())


def _row(shard: Shard) -> ShardRow:
    return ShardRow(
        shard=shard.run.shard,
        requests=shard.tally.requests,
        warmup=shard.run.warmup,
        began=shard.run.began,
        started_late_s=round(shard.run.late, 3),
        late_sends=shard.tally.sends.late,
    )


def _examples(job: Job) -> dict[str, dict[str, str]]:
    """Return the first example of each kind of failure on each arm, from the first shard that has one."""
    examples: dict[str, dict[str, str]] = {}
    for shard in job.shards:
        for arm, kinds in shard.details.failures.items():
            for kind, failure in kinds.items():
                if failure.example:
                    examples.setdefault(arm, {}).setdefault(kind, failure.example[:500])
    return examples
