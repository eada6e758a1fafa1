"""Runs `harvest`: reads the logs once, makes each output in a private folder, checks it, and publishes all or none."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.harvest.demand import profile_demand
from ghmlops.commands.harvest.golden import GoldenFile, extend_golden, golden_inputs, offer
from ghmlops.commands.harvest.job import Job, read_job
from ghmlops.commands.harvest.outcomes import collect_outcomes
from ghmlops.commands.harvest.retraining import consider
from ghmlops.commands.harvest.sampling import SampleFile, sample_payloads
from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.commands.shared.evidence import EvidenceContent, Summary, build, open_recorder, record
from ghmlops.commands.shared.production.watch_runs import look_at_schedule
from ghmlops.commands.shared.stale_evidence.unfinished import unfinished
from ghmlops.core.details.harvest import HarvestDetails, HarvestedFile
from ghmlops.core.harvest.dispatch import request_id
from ghmlops.core.harvest.findings import Counts, client_findings, line_findings
from ghmlops.core.harvest.golden import golden_findings
from ghmlops.core.model import NotMeasured
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.harvest.candidates import set_aside, silence_loud_clients
from ghmlops.measure.harvest.log_table import count_lines, open_logs
from ghmlops.measure.harvest.outcome_join import check_file as check_outcomes
from ghmlops.measure.harvest.output_check import check_file, check_values
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.commands.harvest.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.evidence import Recorder
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.harvest.daily import DayRow
    from ghmlops.core.model import Finding
    from ghmlops.measure.harvest.log_table import LogTable


_WORD = re.compile(r"[A-Za-z0-9_+-]+")


@dataclass(slots=True, kw_only=True)
class _Yield:
    """What the logs gave: findings, counts, and files by the path under which they are published."""

    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    files: dict[str, tuple[Path, int]] = field(default_factory=dict)
    sample: SampleFile | None = None
    not_measured: list[NotMeasured] = field(default_factory=list)
    days: list[DayRow] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)
    run_url: str = ""
    golden: GoldenFile | None = None

    @property
    def identifiers(self) -> frozenset[str]:
        """Identifiers that may not occur in any output."""
        return self.sample.identifiers if self.sample else frozenset()


def run(inputs: Inputs, services: Services) -> Result:
    """Take from the traffic what the policy names.

    Raises:
        InputError: An input is malformed, or the commit is unknown.
        PolicyError: The policy is invalid, or has no section `harvest`.
        DataError: The logs cannot be read, or an output would contain a secret or an identifier.
    """
    from ghmlops.act.files import write_atomically

    with unfinished("harvest", inputs, services):
        recorder = open_recorder("harvest", inputs, services)
        job = read_job(inputs, services)
        fields = job.policy.keep.fields if job.policy.keep else ()
        outcomes = job.policy.outcomes
        others = {"outcomes": check_outcomes(services.cwd, outcomes.file)} if outcomes else {}
        golden = job.policy.golden
        if golden is not None:
            others |= golden_inputs(services.cwd, golden)
        with open_logs(services.cwd, job.policy.traffic, fields, job.seed, others) as table:
            harvest = _take(table, job, services)
            schedule = look_at_schedule(job.watched, services, inputs.token)
            harvest.not_measured += schedule.not_measured
            files = {name: path for name, (path, _) in harvest.files.items()}
            offered = {golden.file: harvest.golden.path} if golden and harvest.golden and harvest.golden.path else {}
            for name, path in (files | offered).items():
                check_file(table, path, name, harvest.identifiers)
            # Before anything is started, since what was started cannot be taken back.
            _check_evidence(recorder, job, harvest)
            if golden is not None and harvest.golden is not None:
                state = offer(harvest.golden, golden, inputs, services)
                harvest.findings += golden_findings(harvest.golden.selection, state)
            if (retrain := job.policy.retrain) is not None:
                retraining = consider(job, retrain, harvest.days, inputs, services)
                harvest.findings.append(retraining.finding)
                harvest.run_url = retraining.url
            content = _content(job, harvest)
            summary = _check_evidence(recorder, job, harvest)
            if inputs.dry_run:
                return dry_run_result("Nothing was written.", summary.text, dict(summary.data))
            for name, path in files.items():
                write_atomically(services.cwd / name, path.read_bytes())
            return schedule.warn(record(recorder, content, partial(_summary, harvest)))


def _take(table: LogTable, job: Job, services: Services) -> _Yield:
    traffic = job.policy.traffic
    lines = count_lines(table, services.cwd, traffic, job.now)
    repeated = set_aside(table, job.now)
    loud = silence_loud_clients(table, traffic.client_share)
    ((requests,), (population,)) = (
        table.rows("SELECT count(*) FROM requests")[0],
        table.rows("SELECT count(*) FROM population")[0],
    )
    counts = Counts(
        lines=lines.total,
        broken=lines.broken,
        without_id=lines.without_id,
        without_time=lines.without_time,
        future=lines.future,
        copies=repeated.copies,
        conflicting=repeated.conflicting,
        silenced=sum(client.rows for client in loud),
        requests=int(str(requests)),
    )
    result = _Yield(counts=counts._asdict())
    result.findings += line_findings(counts, lines.first_broken)
    result.findings += client_findings([(c.rows, _iso(c.first)) for c in loud], counts.requests, traffic.client_share)
    if not traffic.client:
        why = "the policy has no `traffic.client`"
        result.not_measured.append(NotMeasured(what="clients that send more than their share", why=why))
    if (keep := job.policy.keep) is not None:
        result.sample = sample_payloads(table, keep, int(str(population)))
        result.findings += result.sample.findings
        result.not_measured += result.sample.not_measured
        result.files[keep.file] = (result.sample.path, result.sample.rows)
    if (demand := job.policy.demand) is not None:
        profile = profile_demand(table, demand, job.seed)
        result.findings.append(profile.finding)
        if profile.path is not None:
            result.files[demand.file] = (profile.path, profile.hours)
    if (outcomes := job.policy.outcomes) is not None:
        joined = collect_outcomes(table, outcomes, services.cwd, job.now)
        result.findings += joined.findings
        result.days = joined.days
        result.outcomes = dict(joined.join.states)
        if job.policy.golden is not None and job.policy.keep is not None:
            result.golden = extend_golden(table, job.policy.golden, job.policy.keep, result.identifiers)
            result.not_measured += result.golden.not_measured
            result.findings += result.golden.findings
        result.files[outcomes.days] = (joined.path, joined.rows)
    return result


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _content(job: Job, harvest: _Yield) -> EvidenceContent:
    sample = harvest.sample
    return EvidenceContent(
        findings=harvest.findings,
        not_measured=harvest.not_measured,
        seed=job.seed,
        fingerprints={"golden": job.golden_digest},
        details=HarvestDetails(
            counts=harvest.counts,
            outcomes=harvest.outcomes,
            quarantined=sample.quarantined if sample else {},
            slices=sample.slices if sample else [],
            files=[
                HarvestedFile(file=name, sha256=fingerprint(path).removeprefix("sha256:"), rows=rows)
                for name, (path, rows) in harvest.files.items()
            ],
            settings=job.policy,
        ),
    )


def _summary(harvest: _Yield, evidence: Evidence, file: str) -> Summary:
    rows = harvest.sample.rows if harvest.sample else 0
    return Summary(
        terminal.harvest(evidence, file),
        {"rows": str(rows), "retrain-run": harvest.run_url},
        {"rows": rows, "files": list(harvest.files)},
    )


def _check_evidence(recorder: Recorder, job: Job, harvest: _Yield) -> Summary:
    """Search the evidence and the text on the terminal, and return the latter.

    Raises:
        DataError: There is a secret or an identifier.
    """
    evidence = build(recorder, _content(job, harvest))
    summary = _summary(harvest, evidence, "")
    document = msgspec.to_builtins(evidence)
    # Digests, commits and the request of this project look like tokens; they are allowed by their exact text only.
    digests = [file["sha256"] for file in document["details"]["files"]]
    allowed = frozenset(_texts([document["provenance"], digests, request_id(job.service, job.now)]))
    check_values("the evidence", [document], harvest.identifiers, allowed)
    check_values("the log of the step", summary.text.splitlines(), harvest.identifiers, allowed)
    return summary


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        # The name of a repository or branch may look like a token, too.
        return [value, *_WORD.findall(value)]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [text for item in inner for text in _texts(item)]
