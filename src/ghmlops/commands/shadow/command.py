"""Sends recorded requests to baseline, twin and candidate, compares the answers, and writes the evidence."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ghmlops.commands.shared.base import dry_run_result
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.shadow.inputs import Inputs
    from ghmlops.commands.shadow.job import Job
    from ghmlops.commands.shared.base import Result, Services
    from ghmlops.commands.shared.evidence import EvidenceContent, Summary
    from ghmlops.core.answers.places import PlaceVerdict
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.shadow.comparison import Comparison
    from ghmlops.core.shadow.outcome import Proof, Question, Run
    from ghmlops.measure.shadow.answers_file import AnswersFile
    from ghmlops.measure.shadow.sending import Arms


def run(inputs: Inputs, services: Services) -> Result:
    """Compare the answers of the arms to recorded requests, judge, and write the evidence.

    Raises:
        InputError: An address, the leg or a header is malformed, there is no baseline, or the evidence or the answers
            cannot be written.
        PolicyError: The policy is invalid, or has no section `shadow`.
        DataError: The recording cannot be used.
        EvidenceError: The file to confirm is not the evidence of a failed run on this commit.
        ServiceError: An address cannot be reached.
    """
    from ghmlops.act.evidence import check_writable
    from ghmlops.commands.shadow.job import evidence_leg, load_section, prepare
    from ghmlops.commands.shadow.live import measure_logs
    from ghmlops.commands.shared.evidence import open_recorder, record
    from ghmlops.commands.shared.stale_evidence.unfinished import unfinished

    check_writable(services.cwd / inputs.evidence_dir, "shadow", evidence_leg(inputs))
    with unfinished("shadow", inputs, services, leg=evidence_leg(inputs), reads=(inputs.confirm,)):
        section = load_section(inputs, services)[1]
        if logs := section.access_logs:
            if inputs.dry_run:
                lines = [f"would compare the answers of {logs.live} and {logs.candidate} by {logs.id}"]
                return dry_run_result("Nothing was read.", terminal.block(lines), {"requests": 0})
            recorder = open_recorder("shadow", inputs, services, leg=evidence_leg(inputs))
            return record(recorder, measure_logs(section, inputs, services), _summarise)
        job = prepare(inputs, services)
        if inputs.dry_run:
            return _dry_run(job)
        recorder = open_recorder("shadow", inputs, services, leg=job.leg)
        return record(recorder, _measure(job, inputs, services), _summarise)


def _dry_run(job: Job) -> Result:
    endpoints = {name: job.names.count(name) for name in dict.fromkeys(job.names)}
    lines = [
        f"would send {len(job.sendable):,} recorded requests to each of",
        *(f"  {arm}: {target.url}" for arm, target in job.targets.items()),
        *(f"  {name}: {count:,}" for name, count in list(endpoints.items())[:20]),
        f"at most {job.policy.send.rate:g}/s, {job.policy.send.workers} at once; expected: {job.policy.expect}",
        f"never sent: {len(job.refused):,} with an unsafe method, {len(job.recording.unreadable):,} unreadable",
    ]
    return dry_run_result("Nothing was sent.", terminal.block(lines), {"requests": len(job.sendable)})


def _measure(job: Job, inputs: Inputs, services: Services) -> EvidenceContent:
    """Send everything, ask single differences again, and return the content of the evidence."""
    from ghmlops.commands.shared.evidence import EvidenceContent
    from ghmlops.commands.shared.load.load_source import reach
    from ghmlops.core.answers.constants import TEST_ALPHA
    from ghmlops.core.answers.places import judge_places
    from ghmlops.core.shadow.details import shadow_details
    from ghmlops.core.shadow.findings import findings, not_measured
    from ghmlops.core.shadow.outcome import Run
    from ghmlops.core.shadow.recorded import may_quote
    from ghmlops.core.shadow.times import measured_times
    from ghmlops.measure.shadow.sending import Arms, prepare

    inputs_of = {"baseline": "baseline-url", "twin": "twin-url", "candidate": "url"}
    targets = [reach(target, inputs_of[arm], job.hosts) for arm, target in job.targets.items()]
    prepared = prepare(job.sendable, job.headers, job.policy.send.timeout)
    with Arms(targets, prepared, job.policy.send, job.seed) as arms:
        comparison = _compare(job, services, arms)
        verdicts = judge_places(comparison.tallies, TEST_ALPHA)
        proofs, requests = _ask_again(job, arms, _questions(job, verdicts), comparison)
    run = Run(
        policy=job.policy,
        comparison=comparison,
        verdicts=verdicts,
        proofs=proofs,
        repeatable=inputs.repeatable,
        places=job.confirms.places if job.confirms else None,
        quotes=may_quote(job.policy.send, [target.address for target in targets]),
        slower_fails=job.confirms is None or job.confirms.slower,
    )
    return EvidenceContent(
        findings=findings(run),
        measurements=measured_times(comparison),
        not_measured=not_measured(run, truncated=job.recording.truncated),
        details=shadow_details(
            run,
            truncated=job.recording.truncated,
            credentials=job.credentials,
            asked_again=requests,
            confirms=job.confirms.digest if job.confirms else "",
        ),
        seed=job.seed,
        fingerprints={"data": job.recording.fingerprint},
        companions=_archive(job, run, services),
    )


def _archive(job: Job, run: Run, services: Services) -> dict[str, bytes]:
    """Return the requests of the failures as an HTTP archive; nothing without a failure."""
    from ghmlops.core.answers.har import write_har
    from ghmlops.core.shadow.archive import changed_requests

    requests = changed_requests(run, job.sendable, job.targets["candidate"].url)
    return {"har": write_har(requests, services.now().isoformat())} if requests else {}


def _compare(job: Job, services: Services, arms: Arms) -> Comparison:
    """Send every request, and compare and count its answers."""
    from ghmlops.core.answers.rules import make_rules
    from ghmlops.core.shadow.comparison import Comparison
    from ghmlops.measure.shadow.answers_file import AnswersFile

    compare = job.policy.compare
    comparison = Comparison(rules=make_rules(compare.ignore, compare.keys, compare.tolerance))
    for request, name in job.refused:
        comparison.refuse("unsafe method", f"row {request.row}, {name}")
    for row, reason in job.recording.unreadable.items():
        comparison.refuse(f"unreadable: {reason}", f"row {row}")
    sent = 0
    with contextlib.ExitStack() as stack:
        file: AnswersFile | None = None
        if job.policy.answers:
            folder = services.cwd / job.policy.answers
            file = stack.enter_context(AnswersFile(folder, job.policy.answers, services.context.temp))
        for index, answers in arms.answers():
            request = job.sendable[index]
            bodies = comparison.add(request.row, job.names[index], answers)
            if file is not None and bodies is not None:
                file.add(request.row, job.names[index], *bodies)
            sent = index + 1
            if sent % 100 == 0:
                services.console.progress(f"shadow: {sent:,} of {len(job.sendable):,} requests")
        if file is not None:
            file.write()
    if sent < len(job.sendable):
        example = f"row {job.sendable[sent].row}"
        comparison.drop("not sent within `send.budget`", example, len(job.sendable) - sent)
    return comparison


def _questions(job: Job, verdicts: list[PlaceVerdict]) -> list[Question]:
    """Return the rows that are asked again: those of the failed run, or single differences that could fail."""
    from ghmlops.core.answers.reask import choose_questions
    from ghmlops.core.shadow.outcome import Question, may_block

    if job.confirms is not None:
        return list(job.confirms.questions)
    relevant = [verdict for verdict in verdicts if may_block(job.policy, verdict.place)]
    return [Question(*question) for question in choose_questions(relevant)]


def _ask_again(job: Job, arms: Arms, questions: list[Question], comparison: Comparison) -> tuple[list[Proof], int]:
    """Ask the rows again; return what that shows, and the number of requests.

    Distances are taken from one more answer of the baseline, so that a value which differs each time (an identifier)
    lies equally far from every answer.
    """
    from ghmlops.core.answers.reask import proven, repetitions
    from ghmlops.core.shadow.comparison import distance_at, is_decisive
    from ghmlops.core.shadow.outcome import Proof

    index_of = {request.row: index for index, request in enumerate(job.sendable)}
    repeated = repetitions(len(questions))
    proofs, requests = [], 0
    by_row: dict[int, list[Question]] = {}
    for question in questions:
        if question.row in index_of:
            by_row.setdefault(question.row, []).append(question)
    for row, of_row in by_row.items():
        (reference, *others), *turns = arms.again(index_of[row], repeated + 1)
        everything = [reference, *others, *(answer for turn in turns for answer in turn)]
        requests += 3 * (repeated + 1)
        for question in of_row:
            distances = [
                [distance_at(question.place, reference, turn[arm], comparison.rules) for turn in turns]
                for arm in range(3)
            ]
            decisive = is_decisive(question.place, everything)
            proofs.append(Proof(question, repeated, decisive and proven(*distances)))
    return proofs, requests


def _summarise(evidence: Evidence, file: str) -> Summary:
    """Return text, outputs and data of the result."""
    from ghmlops.commands.shared.evidence import Summary
    from ghmlops.core.details.shadow import ShadowDetails

    details = evidence.details
    assert isinstance(details, ShadowDetails)  # noqa: S101  (the evidence of this command)
    requests, changed = details.requests, [place for place in details.places if place.proven_by]
    lines = [
        f"shadow: {evidence.outcome}: {evidence.reason}",
        *(f"  {finding.outcome}: {finding.reason}" for finding in evidence.findings),
        f"requests: {requests.recorded:,} recorded, {requests.compared:,} compared, {requests.identical:,} identical",
        f"evidence: {file}",
    ]
    return Summary(
        text=terminal.block(lines),
        outputs={"compared": str(requests.compared), "changed": str(len(changed))},
        data={"compared": requests.compared, "changed": [f"{p.endpoint} {p.path}" for p in changed]},
    )
