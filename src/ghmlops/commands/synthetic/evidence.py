"""Content of the evidence of a synthetic run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.evidence import EvidenceContent
from ghmlops.core.answers.har import HarRequest, write_har
from ghmlops.core.details.synthetic import (
    AnswerKindRow,
    FailureRow,
    NoiseRow,
    ProfileRow,
    RelationRow,
    SyntheticDetails,
    SyntheticSettings,
)
from ghmlops.core.model import Finding, NotMeasured, Outcome
from ghmlops.core.synthetic import saved_case
from ghmlops.core.synthetic.constants import ALONE_REPETITIONS
from ghmlops.core.synthetic.findings import DOCS, Decision, Example, finding, not_measured
from ghmlops.core.synthetic.judge import Proof
from ghmlops.core.synthetic.rows.profile import NUMERIC, TEXTUAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.commands.synthetic.job import Job
    from ghmlops.commands.synthetic.results import Case, RelationResult, SyntheticRun
    from ghmlops.core.synthetic.rows.profile import Field

_UNANSWERED = 0.5
"""Share of the generated rows that the baseline must answer, so that the candidate can be compared with it."""
_BASELINE = "synthetic-baseline"


def evidence_content(job: Job, run: SyntheticRun, started: str) -> EvidenceContent:
    """Return the content of the evidence of a run that has ended; `started` is its time in ISO 8601."""
    cases = [result.saved for result in run.results if result.saved is not None]
    numbers = _case_numbers(run)
    gaps = [not_measured(r.relation, r.counts) for r in run.results if r.outcome is None]
    gaps += [
        NotMeasured(
            what=f"differences of {path} in the answers of {endpoint}",
            why=f"it differs between equal requests in {rate:.0%} of the pairs; `same-twice` compares it, nothing else",
        )
        for endpoint, noise in run.noise.items()
        for path, rate in noise.ignored.items()
    ]
    if run.rows < run.planned:
        why = f"the budget of {job.policy.budget:g} s ended after {run.rows:,} of {run.planned:,} rows"
        gaps.append(NotMeasured(what="the remaining generated rows", why=why))
    return EvidenceContent(
        findings=[*_findings(job, run), *_baseline_findings(job, run)],
        not_measured=[*job.not_measured, *gaps],
        details=SyntheticDetails(
            settings=_settings(job, run, len(cases)),
            relations=[_relation_row(result, job) for result in run.results],
            failures=[_failure_row(result, run, numbers) for result in run.results if result.example],
            answers=[
                AnswerKindRow(arm=arm, kind=kind, answers=number, example=run.examples.get((arm, kind), "")[:120])
                for (arm, kind), number in sorted(run.kinds.items())
            ],
            noise=list(_noise_rows(run)),
            profile=[
                _profile_row(plan.name, field)
                for plan in job.plans
                for field in plan.source.profile.fields.values()
                if field.path not in job.policy.private
            ],
        ),
        seed=job.seed,
        fingerprints=job.fingerprints,
        companions={"cases": saved_case.write(tuple(cases)), "har": _archive(job, cases, started)} if cases else {},
    )


def _findings(job: Job, run: SyntheticRun) -> list[Finding]:
    repetitions = run.repetitions if job.compared else ALONE_REPETITIONS
    findings = []
    for result in run.results:
        if result.outcome is None:
            continue
        decision = Decision(result.outcome, result.proof, result.reasked, repetitions, result.unjudged, result.replay)
        example = None if result.example is None else _example(result, result.example)
        findings.append(finding(result.relation, result.counts, decision, example, compared=job.compared))
    return findings


def _example(result: RelationResult, case: Case) -> Example:
    needs = result.shrunk.fields if result.shrunk else ()
    return Example(case.endpoint, case.question.change, case.pair.candidate.what, needs)


def _baseline_findings(job: Job, run: SyntheticRun) -> list[Finding]:
    """Return a finding if the baseline answers too few rows: nothing can then be said relative to it."""
    counts = next((r.counts for r in run.results if r.relation.id == "answered" and r.counts.n), None)
    if not job.compared or counts is None or counts.baseline <= _UNANSWERED * counts.n:
        return []
    return [
        Finding(
            id=_BASELINE,
            metric="answered",
            outcome=Outcome.INCONCLUSIVE,
            reason=f"The baseline answered only {counts.n - counts.baseline:,} of {counts.n:,} generated rows, so the "
            "candidate cannot be compared with it.",
            docs=DOCS,
            description="The baseline answers the generated rows.",
            baseline=counts.baseline / counts.n,
            n=counts.n,
        )
    ]


def _settings(job: Job, run: SyntheticRun, cases: int) -> SyntheticSettings:
    return SyntheticSettings(
        url=job.targets["candidate"].url,
        baseline_url=job.targets["baseline"].url if job.compared else "",
        replayed=job.replayed,
        rows=run.rows,
        planned_rows=run.planned,
        requests=run.sent,
        shrinking_requests=run.shrinking,
        stream={plan.name: plan.digest for plan in job.plans},
        cases=cases,
    )


def _relation_row(result: RelationResult, job: Job) -> RelationRow:
    counts = result.counts
    return RelationRow(
        relation=result.relation.id,
        outcome=result.outcome.value if result.outcome else "not measured",
        questions=counts.n,
        candidate=counts.candidate,
        baseline=counts.baseline if job.compared else None,
        only_candidate=counts.only_candidate,
        unjudged=sum(counts.unjudged.values()),
        proof=result.proof,
        claim=result.relation.claim,
    )


def _failure_row(result: RelationResult, run: SyntheticRun, numbers: dict[str, int]) -> FailureRow:
    assert result.example is not None  # noqa: S101  (the caller has checked)
    case, shrunk = result.example, result.shrunk
    observation = case.pair.candidate
    needs = ""
    if shrunk is not None:
        pairs = zip(shrunk.fields, shrunk.values, strict=True)
        needs = ", ".join(f"{path}={failing} (not {passing})" for path, (failing, passing) in pairs)
        needs = needs or ("any row" if shrunk.minimal else "")  # If it was not asked, nothing is known.
    return FailureRow(
        relation=result.relation.id,
        endpoint=case.endpoint,
        change=case.question.change,
        observed=observation.what,
        answer=observation.left if run.quotes else "",
        answer_changed=observation.right if run.quotes else "",
        needs=needs,
        shrinking=shrunk.requests if shrunk else None,
        minimal=shrunk.minimal if shrunk else None,
        case=numbers.get(result.relation.id),
        replays=result.replays,
    )


def _case_numbers(run: SyntheticRun) -> dict[str, int]:
    """Return the number of the saved case of each failed relation."""
    names = [result.relation.id for result in run.results if result.saved is not None]
    return {name: number for number, name in enumerate(names, start=1)}


def _archive(job: Job, cases: list[saved_case.SavedCase], started: str) -> bytes:
    """Return the requests of the saved failures as an HTTP archive: the unchanged one, then the changed one."""
    requests = []
    for number, case in enumerate(cases, start=1):
        for message in filter(None, (case.source, case.changed)):
            endpoint = job.latency.endpoints[message.endpoint]
            url = job.targets["candidate"].url.rstrip("/") + message.path
            change = case.change if message is case.changed else "unchanged"
            comment = f"case {number}, {case.relation}: {change}"
            requests.append(HarRequest(endpoint.method, url, message.body, "application/json", comment))
    return write_har(requests, started)


def _noise_rows(run: SyntheticRun) -> Iterator[NoiseRow]:
    for endpoint, noise in run.noise.items():
        for path, rate in noise.ignored.items():
            yield NoiseRow(endpoint=endpoint, path=path, rate=rate, tolerance=None)
        for path, tolerance in noise.tolerances.items():
            yield NoiseRow(endpoint=endpoint, path=path, rate=None, tolerance=tolerance)


def _profile_row(endpoint: str, field: Field) -> ProfileRow:
    numeric = field.kind in NUMERIC
    return ProfileRow(
        endpoint=endpoint,
        field=field.path,
        kind=field.kind.value,
        null_rate=field.null_rate,
        missing_rate=field.missing_rate,
        low=field.low if numeric else None,
        high=field.high if numeric else None,
        distinct=len(field.values) if field.kind in TEXTUAL else None,
        longest=field.longest if field.kind in TEXTUAL else None,
    )


def violations(run: SyntheticRun) -> list[str]:
    """Return the relations that the candidate is proven to violate and the baseline not."""
    return [r.relation.id for r in run.results if r.outcome is Outcome.FAIL and r.proof != Proof.NONE]
