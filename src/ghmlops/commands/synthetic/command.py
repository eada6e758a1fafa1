"""Synthetic and metamorphic tests: generated requests, relations, failures that can be replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.shared.base import dry_run_result
from ghmlops.commands.shared.evidence import Summary
from ghmlops.core.details.synthetic import SyntheticDetails
from ghmlops.core.model import Outcome
from ghmlops.core.verdict.confirmation import CONFIRM
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Result, Services
    from ghmlops.commands.synthetic.inputs import Inputs
    from ghmlops.commands.synthetic.job import Job
    from ghmlops.core.evidence.document import Evidence


def run(inputs: Inputs, services: Services) -> Result:
    """Ask generated or saved requests, judge every relation, and write the evidence.

    Raises:
        InputError: An address is malformed or that of both arms, no endpoint has payloads, or the commit is unknown.
        PolicyError: The policy is invalid, lacks a section `synthetic` or `latency`, or names an unknown field.
        DataError: The payload file or a file of cases cannot be used.
        ServiceError: An address cannot be reached.
    """
    from ghmlops.commands.shared.stale_evidence.unfinished import unfinished

    leg = inputs.leg or (CONFIRM if inputs.confirm else "")
    with unfinished("synthetic", inputs, services, leg=leg, reads=(inputs.replay, inputs.confirm)):
        return _run(msgspec.structs.replace(inputs, leg=leg), services)


def _run(inputs: Inputs, services: Services) -> Result:
    from ghmlops.commands.shared.evidence import open_recorder, record
    from ghmlops.commands.synthetic.evidence import evidence_content
    from ghmlops.commands.synthetic.job import prepare

    job = prepare(inputs, services)
    if inputs.dry_run:
        return _dry_run(job)
    from ghmlops.commands.synthetic.run import measure
    from ghmlops.measure.asking.schemathesis import require_package

    recorder = open_recorder("synthetic", inputs, services)
    if job.described:
        require_package()  # before anything is sent
    run = measure(job, services)
    content = evidence_content(job, run, services.now().isoformat())
    if job.described:
        from ghmlops.commands.synthetic.schemathesis.run import add_schemathesis

        content = add_schemathesis(job, services, content, run.repetitions)
    return record(recorder, content, _summarise)


def _dry_run(job: Job) -> Result:
    lines = [f"would ask {' and '.join(target.url for target in job.targets.values())}"]
    for plan in job.plans:
        counts = {r.id: sum(r.id in row.questions for row in plan.rows) for r in plan.relations}
        listed = ", ".join(f"{name} {number}" for name, number in counts.items())
        lines.append(f"{plan.name}: {len(plan.rows)} generated rows; questions: {listed}")
        lines.append(f"planned requests: sha256:{plan.digest}")
    if job.cases:
        lines.append(f"{len(job.cases)} saved cases")
    lines.append(f"at most {job.policy.requests:,} requests within {job.policy.budget:g} s")
    data = {"rows": sum(len(plan.rows) for plan in job.plans), "stream": {plan.name: plan.digest for plan in job.plans}}
    return dry_run_result("Nothing was sent.", terminal.block(lines), data)


def _summarise(evidence: Evidence, file: str) -> Summary:
    details = evidence.details
    assert isinstance(details, SyntheticDetails)  # noqa: S101  (this command built them)
    failed = [f.metric for f in evidence.findings if f.outcome is Outcome.FAIL]
    cases = f"{file.removesuffix('.json')}.cases" if details.settings.cases else ""
    return Summary(
        text=terminal.synthetic(evidence, file, cases),
        outputs={"violations": str(len(failed)), "cases-file": cases},
        data={"violations": failed, "cases_file": cases, "requests": details.settings.requests},
    )
