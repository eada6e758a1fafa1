"""Runs `promote`, and turns its record into a result."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from tabulate import tabulate

from ghmlops import __version__
from ghmlops.act.evidence import encode
from ghmlops.act.files import write_atomically
from ghmlops.act.targets import check_climb, read_shares
from ghmlops.act.targets.exclusive import exclusive
from ghmlops.commands.promote import lock
from ghmlops.commands.promote.alerts import Alerts
from ghmlops.commands.promote.deployment import open_deployment
from ghmlops.commands.promote.hooks import HookRunner
from ghmlops.commands.promote.job import load_promotion, prepare
from ghmlops.commands.promote.metrics import open_counters, open_metrics
from ghmlops.commands.promote.start import ROLLBACK_ORDERED, check_ladder
from ghmlops.commands.promote.walk import Walk
from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.commands.shared.production.watch_runs import look_at_schedule
from ghmlops.core.errors import ServiceError
from ghmlops.core.model import Outcome
from ghmlops.core.promotion.hook_text import hook_name
from ghmlops.core.promotion.weights import integer_weights, rung_shares
from ghmlops.core.revert.planned import Subject, planned_verdict
from ghmlops.measure.checkout import repository_name
from ghmlops.report.formats import terminal
from ghmlops.report.text.escape import markdown, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.commands.promote.inputs import Inputs
    from ghmlops.commands.promote.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.promotion.record import PromotionRecord

_OUTCOMES = {"complete": Outcome.PASS, "hold": Outcome.INCONCLUSIVE, "rollback": Outcome.FAIL}


def run(inputs: Inputs, services: Services) -> Result:
    """Promote a candidate, or change the lock. A hold and a rollback are results with exit code 1.

    Raises:
        InputError: An input is malformed.
        PolicyError: The policy cannot be read, configures no promotion, or has a rung that the router cannot represent.
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
    returns = bool(inputs.resume or inputs.rollback)  # a ladder in progress can always be ended
    if not returns or inputs.dry_run:
        job.check_complete()
    if not returns:
        check_ladder(job)
    if inputs.dry_run:
        return _plan(job, services)
    note = services.console.note
    judged, observe = job.policy.judge.metrics, job.policy.observe
    with (
        exclusive(job.policy.target, services.cwd),
        open_metrics(judged, observe, job.query_names, services.environ, note) as metrics,
        open_counters(observe, job.target_names(), services) as counters,
        open_deployment(job, inputs, services) as deployment,
    ):
        policy = load_promotion(inputs, services)[0]
        walk = Walk(
            job=job,
            deployment=deployment,
            now=services.now,
            sleep=time.sleep,
            note=note,
            run_url=services.context.run_url,
            person=services.context.triggering_actor or services.context.actor,
            counters=counters,
            hooks=HookRunner(job=job, root=services.cwd, environ=services.environ, note=note),
            metrics=metrics,
            schedule=partial(look_at_schedule, policy, services, inputs.token),
        )
        alerts = Alerts(job=job, walk=walk, inputs=inputs, policy=policy, services=services)
        try:
            record = walk.run(resume=inputs.resume, rollback=inputs.rollback)
        except ServiceError as error:
            if walk.rolling_back:
                alerts.rollback_failed(error)
            raise
        verdict = ""
        if record.decision == "rollback":
            with walk.journal.duty("the verdict that plans a revert was not written"):
                verdict = _plan_revert(job, record, walk.deployment.baseline_commit, services)
        alerts.report_end(record)
        record = walk.journal.close(record)
    return _result(job, record, verdict, is_written=walk.journal.is_written)


def _plan(job: Job, services: Services) -> Result:
    """Return the weights of every rung, after a look at the target, the log and the metrics; nothing is changed."""
    if job.policy.observe.access_log:
        job.open_log()
    now, servers = read_shares(job.target), job.target.servers()
    check_climb(job.target)
    rows = []
    for rung, share in enumerate(job.policy.ladder, 1):
        shares = rung_shares(share, with_twin=job.policy.compare == "twin")
        weights = integer_weights(shares, servers, job.target.limit)
        rows.append([rung, f"{share:.2%}", *(weights.get(arm, "") for arm in servers)])
    table = tabulate(rows, headers=["rung", "share", *servers], tablefmt="simple")
    lines = [f"hook {moment}: {printable(hook_name(hook))}" for moment, hook in job.hooks()]
    with open_metrics(
        job.policy.judge.metrics, job.policy.observe, job.query_names, services.environ, services.console.note
    ) as metrics:
        values = metrics.check(tuple(arm for arm in servers if now.share(arm))) if metrics else {}
    lines += [f"metric {name}: {_numbers(arms)}" for name, arms in values.items()]
    with open_counters(job.policy.observe, job.target_names(), services) as counters:
        counts = counters.check() if counters else {}
    lines += [f"requests of the {arm}: {total:.0f}, {errors:.0f} failed" for arm, (total, errors) in counts.items()]
    lines += job.not_measured
    if job.header_target:
        share = read_shares(job.header_target).candidate
        count = job.policy.header.min_requests
        lines.append(
            f"header rung: {count:,} requests with a header before rung 1; {share:.0%} of them go to the candidate"
        )
    return dry_run_result(
        f"The candidate has {now.candidate:.2%} of the traffic; {len(rows)} rungs are planned.",
        f"The candidate has {now.candidate:.2%} of the traffic now. Weights of each server:\n\n{table}\n"
        + terminal.block(lines),
        {"share": now.candidate, "ladder": list(job.policy.ladder)},
    )


def _plan_revert(job: Job, record: PromotionRecord, base: str, services: Services) -> str:
    """Write the verdict that `revert` reads once a measurement confirms it, and return its path."""
    context = services.context
    subject = Subject(
        commit=job.commit,
        base_sha=base,
        service=job.service,
        environment=job.environment,
        repository=context.repository or repository_name(services.cwd),
        run_id=context.run_id,
        run_attempt=context.run_attempt,
        created=services.now().isoformat(timespec="seconds"),
        version=__version__,
    )
    verdict = planned_verdict(record.reason_code, record.reason, subject)
    path = job.record_path.with_name("promotion-verdict.json")
    write_atomically(path, encode(verdict))
    return str(path)


def _result(job: Job, record: PromotionRecord, verdict: str, *, is_written: bool) -> Result:
    outcome = _OUTCOMES[record.decision]
    if outcome is Outcome.PASS and (record.caveats or record.undone):
        outcome = Outcome.WARN
    rows = [
        [
            "header" if rung.by_header else f"{rung.share:.2%}",
            *(f"{rung.requests[arm]:,} ({rung.errors[arm]:,})" for arm in job.target.servers()),
            _state(rung.passed),
        ]
        for rung in record.rungs
    ]
    headers = ["share", *(f"{arm}: requests (failed)" for arm in job.target.servers()), "rung"]
    sentence = f"{record.decision}: {record.reason} The candidate has {record.shares.candidate:.2%} of the traffic."
    sentence = " ".join([sentence, *record.caveats, *record.not_measured, *record.undone])
    table = tabulate(rows, headers=headers, tablefmt="github")
    metrics = _metric_table(record)
    return Result(
        outcome=outcome,
        reason_code=record.reason_code,
        reason=record.reason,
        outputs={
            "decision": record.decision,
            "share": f"{record.shares.candidate:.6g}",
            "record-file": str(job.record_path) if is_written else "",
            "verdict-file": verdict,
        },
        text=f"{tabulate(rows, headers=headers, tablefmt='simple')}\n{metrics}\n{printable(sentence)}\n",
        summary=f"### Promotion of `{job.commit[:12]}`\n\n{markdown(sentence, 1000)}\n\n{table}\n{metrics}",
        data=msgspec.to_builtins(record),
        exit_code=2 if record.undone else 0 if _is_as_asked(record) else 1,
    )


def _is_as_asked(record: PromotionRecord) -> bool:
    """Return whether the run did what it was asked to do: jobs that need a rollback that was ordered follow it."""
    is_ordered = record.decision == "rollback" and record.reason_code == ROLLBACK_ORDERED
    return record.decision == "complete" or (is_ordered and not record.incident)


def _metric_table(record: PromotionRecord) -> str:
    """Return the table of the metrics of all rungs; those with `dry-run` are shown and not judged."""
    rows = [
        [
            f"{rung.share:.2%}",
            metric.name,
            *("" if value is None else f"{value:.6g}" for value in (metric.candidate, metric.reference)),
            f"{metric.beyond} of {metric.values}" + (f", {metric.missing} missing" if metric.missing else ""),
            metric.state if metric.judged else "not judged",
        ]
        for rung in record.rungs
        for metric in rung.metrics
    ]
    headers = ["share", "metric", "candidate", "compared with", "beyond the limit", "state"]
    return f"\n{tabulate(rows, headers=headers, tablefmt='github')}\n" if rows else ""


def _numbers(values: Mapping[str, float | None]) -> str:
    return ", ".join(f"{arm} {'no value' if value is None else f'{value:.6g}'}" for arm, value in values.items())


def _state(passed: bool) -> str:
    return "passed" if passed else "not passed"
