"""Runs Schemathesis on both services, and asks again what only the candidate fails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.shared.input_paths import input_path
from ghmlops.commands.shared.load.load_source import reach
from ghmlops.commands.synthetic.run import INPUT_OF_ARM
from ghmlops.commands.synthetic.session import BASELINE, CANDIDATE
from ghmlops.core.answers.body import BodyKind
from ghmlops.core.answers.rules import Rules
from ghmlops.core.answers.stream import read_body
from ghmlops.core.answers.walk import Aspect, differences
from ghmlops.core.details.synthetic import SyntheticDetails
from ghmlops.core.errors import DataError
from ghmlops.core.load.call import Call
from ghmlops.core.model import NotMeasured
from ghmlops.core.policy.latency import Request
from ghmlops.core.synthetic.rows.stream import Stream
from ghmlops.core.synthetic.schemathesis import verdict
from ghmlops.measure.asking import schemathesis
from ghmlops.measure.asking.sender import Sender
from ghmlops.measure.checkout import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.evidence import EvidenceContent
    from ghmlops.commands.synthetic.job import Job
    from ghmlops.core.answers.answer import Answer
    from ghmlops.core.synthetic.schemathesis.report import Failure
    from ghmlops.measure.load.target import Target

MAX_BYTES = 16 << 20
_STREAM = 6
"""Key of the random stream of the order of the arms."""


def add_schemathesis(job: Job, services: Services, content: EvidenceContent, repetitions: int) -> EvidenceContent:
    """Return the content of the evidence with the findings of Schemathesis.

    Args:
        job: the job, whose policy asks for Schemathesis.
        services: services of the command.
        content: the content without them.
        repetitions: how often a request is asked again on each arm.

    Raises:
        DataError: The description cannot be used.
        ModuleNotFoundError: Schemathesis is not installed.
    """
    settings, details = job.policy.schemathesis, content.details
    assert settings is not None  # noqa: S101  (the caller has checked it)
    assert isinstance(details, SyntheticDetails)  # noqa: S101  (this command built them)
    data = _read(services, settings.schema)
    targets = {arm: reach(target, INPUT_OF_ARM[arm], job.hosts) for arm, target in job.targets.items()}
    if any(target.proxy or target.connect_host for target in targets.values()):
        why = "Schemathesis does not know how the services are reached (a proxy, or `connect-to`)"
        return replace(content, not_measured=[*content.not_measured, NotMeasured(what="Schemathesis", why=why)])
    described = _described(job, services, targets, data, repetitions)
    fingerprints = {**content.fingerprints, settings.schema: fingerprint_of(data)}
    findings = [*content.findings, verdict.finding(described)]
    return replace(content, findings=findings, fingerprints=fingerprints, details=_with_rows(details, described))


def _with_rows(details: SyntheticDetails, described: verdict.Described) -> SyntheticDetails:
    return msgspec.structs.replace(
        details,
        relations=[*details.relations, *verdict.relation_rows(described)],
        failures=[*details.failures, *verdict.failure_rows(described)],
    )


def _read(services: Services, name: str) -> bytes:
    try:
        with input_path(services, name).open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{name}: {error.strerror}", hint="name the description in `synthetic.schemathesis`") from None
    if len(data) > MAX_BYTES:
        raise DataError(f"{name}: larger than {MAX_BYTES:,} bytes", hint="describe the endpoints that matter")
    return schemathesis.read_description(data, name)


def _described(
    job: Job, services: Services, targets: Mapping[str, Target], data: bytes, repetitions: int
) -> verdict.Described:
    """Run Schemathesis on each arm with the same seed, and ask again what only the candidate fails."""
    settings = job.policy.schemathesis
    assert settings is not None  # noqa: S101  (the caller has checked it)
    endpoints = job.latency.endpoints
    shared = [item for item in endpoints[0].headers.items() if all(item in one.headers.items() for one in endpoints)]
    run = schemathesis.Run(
        description=data,
        examples=settings.examples,
        exclude=settings.exclude_checks,
        headers={name: value for name, value in shared if name.lower() != "content-type"},
        timeout=endpoints[0].timeout,
        budget=settings.budget,
        seed=job.seed,
        options=_certificates(job, services, targets[CANDIDATE]),
    )
    reports = {}
    for arm, target in targets.items():
        services.console.note(f"synthetic: Schemathesis on {target.url}")
        reports[arm] = schemathesis.run_schemathesis(target.url, run)
    candidate, baseline = reports[CANDIDATE], reports.get(BASELINE)
    kinds = verdict.kinds_to_ask(candidate, baseline)
    proven = {kind: _repeats(job, targets, (kind.status, candidate.kinds[kind]), (run, repetitions)) for kind in kinds}
    return verdict.Described(candidate=candidate, baseline=baseline, proven=proven, repetitions=repetitions)


def _certificates(job: Job, services: Services, target: Target) -> list[str]:
    options = ["--request-cert", target.client_certificate] if target.client_certificate else []
    if job.latency.ca_file:
        options += ["--tls-verify", str(input_path(services, job.latency.ca_file).resolve())]
    return options


def _repeats(
    job: Job, targets: Mapping[str, Target], failed: tuple[int, Failure], settings: tuple[schemathesis.Run, int]
) -> bool:
    """Return whether the candidate answers the request each time as when it failed, and the baseline never.

    An answer is the same kind of answer if status, content type, and the shape of its JSON are the same.
    """
    (status, failure), (run, repetitions) = failed, settings
    content_type = {"content-type": failure.content_type} if failure.content_type else {}
    endpoint = Request(method=failure.method, headers={**run.headers, **content_type}, timeout=run.timeout)
    senders = {arm: Sender(target, [endpoint]) for arm, target in targets.items()}

    def ask(arm: str) -> Answer:
        path = failure.path.removeprefix(targets[CANDIDATE].prefix) or "/"
        return senders[arm].ask(Call(endpoint=0, path=path, body=failure.body))

    try:
        reference = ask(CANDIDATE)
        if reference.status != status:
            return False
        order = Stream(job.seed, _STREAM).shuffled([CANDIDATE, BASELINE] * repetitions)
        return all(_is_alike(reference, ask(arm)) == (arm == CANDIDATE) for arm in order)
    finally:
        for sender in senders.values():
            sender.close()


def _is_alike(one: Answer, other: Answer) -> bool:
    if (one.kind, one.status, one.media_type) != (other.kind, other.status, other.media_type):
        return False
    bodies = [read_body(answer) for answer in (one, other)]
    if any(body.kind is not BodyKind.JSON for body in bodies):
        return bodies[0].kind is bodies[1].kind
    return all(place.aspect is not Aspect.SHAPE for place in differences(bodies[0].value, bodies[1].value, Rules()))
