"""Run all that the policy asks for before a merge: preview, latency, regression; one report."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.check.inputs import Inputs
from ghmlops.commands.shared.base import Result
from ghmlops.core.errors import GhmlopsError, InputError, PolicyError
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.evidence.verdict import CONFIRM
from ghmlops.core.model import Finding, Outcome, finite
from ghmlops.core.quantities import show_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.regression import Regression
    from ghmlops.measure.preview import Preview


OWN_FILES = ("check", "preview", "latency", "regression")
"""Commands whose evidence a run of `check` replaces."""


def run(inputs: Inputs, services: Services) -> Result:
    """Run every pillar of the policy, then the report over their evidence.

    A pillar that cannot be judged does not keep the others from running: its error becomes evidence, and the verdict
    is then `error`.

    Raises:
        PolicyError: the policy is missing or invalid, or measures nothing.
        InputError: `base` is not a commit of this repository.
    """
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.core.policy.summary import describe

    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    if policy.latency is None and policy.regression is None:
        raise PolicyError(f"{inputs.policy} measures nothing", hint="add a section `latency:` or `regression:`")
    base = base_commit(inputs, services)
    if inputs.dry_run:
        lines = [*describe(policy), f"baseline commit: {base or 'none: no comparison of latency'}"]
        return Result(outcome=Outcome.PASS, reason_code="dry-run", reason="Nothing was run.", text="\n".join(lines))
    services = dataclasses.replace(services, context=msgspec.structs.replace(services.context, base_sha=base))
    _clear(inputs, services)
    _policy_evidence(inputs, services, base)
    if policy.regression is not None:
        section = policy.regression
        _pillar("regression", inputs, services, lambda: _regression(section, inputs, services))
    if policy.latency is not None:
        _pillar("latency", inputs, services, lambda: _latency(policy, inputs, services, base))
    elif "preview" in policy.required:
        _pillar("preview", inputs, services, lambda: _preview(policy, inputs, services))
    return _report(inputs, services)


def base_commit(inputs: Inputs, services: Services) -> str:
    """Return the full SHA of the baseline's commit, or empty where there is none.

    Raises:
        InputError: `base` does not name a commit of this repository.
    """
    from ghmlops.core.context import is_sha
    from ghmlops.measure.checkout import git_read

    if not inputs.base:
        return services.context.base_sha
    if is_sha(inputs.base):
        return inputs.base
    named = f"{inputs.base}^{{commit}}"
    found = git_read(services.cwd, "rev-parse", "--verify", "--quiet", "--end-of-options", named).splitlines()
    if len(found) != 1 or not is_sha(found[0]):
        raise InputError(
            f'input `base`: "{inputs.base}" is not a commit of this repository', hint="give a full SHA or a branch"
        )
    return found[0]


def _clear(inputs: Inputs, services: Services) -> None:
    """Remove what an earlier run of `check` left, so that old evidence cannot stand in for new."""
    from ghmlops.act.evidence import evidence_name

    folder = services.cwd / inputs.evidence_dir
    for command in OWN_FILES:
        for leg in (inputs.leg, _confirm_leg(inputs)):
            try:
                (folder / evidence_name(command, leg)).unlink(missing_ok=True)
            except OSError as error:
                what = f"cannot remove {inputs.evidence_dir}/{evidence_name(command, leg)}: {error.strerror}"
                raise InputError(what, hint="name a folder of its own with --evidence-dir") from None


def _confirm_leg(inputs: Inputs) -> str:
    return f"{inputs.leg}-{CONFIRM}" if inputs.leg else CONFIRM


def _pillar(name: str, inputs: Inputs, services: Services, measure: Callable[[], Result]) -> None:
    services.console.note(f"{name}: measuring")
    try:
        result = measure()
    except GhmlopsError as error:
        # Not swallowed: it becomes evidence with the outcome `error`, which no verdict can be better than.
        reason = f"{name} could not be judged: {error.message}" + (f"; {error.hint}" if error.hint else "") + "."
        finding = Finding(
            id=f"{name}-not-judged",
            metric=name,
            outcome=Outcome.ERROR,
            reason=reason,
            docs=f"actions/{name}/README.md#limits",
            description="The pillar could be measured.",
        )
        _write(name, [finding], inputs, services)
        services.console.note(f"{name}: error: {error.message}")
        return
    services.console.note(f"{name}: {result.outcome.value}: {result.reason}")


def _write(command: str, findings: list[Finding], inputs: Inputs, services: Services) -> None:
    from ghmlops.act.evidence import write_evidence
    from ghmlops.commands.shared.provenance import provenance
    from ghmlops.core.model import conclude

    outcome, code, reason = conclude(findings)
    evidence = Evidence(
        command=command,
        leg=inputs.leg,
        outcome=outcome,
        reason_code=code,
        reason=reason,
        findings=findings,
        provenance=provenance(inputs, services, services.now()),
    )
    write_evidence(services.cwd / inputs.evidence_dir, evidence)


def _policy_evidence(inputs: Inputs, services: Services, base: str) -> None:
    """Say whether the change under test also changes the policy that judges it: people decide about that."""
    from ghmlops.measure.checkout import git_read

    if not base:
        return
    path = os.path.relpath(services.cwd / inputs.policy, services.cwd)
    before = git_read(services.cwd, "show", f"{base}:./{path}")
    now = (services.cwd / inputs.policy).read_text(encoding="utf-8").strip()
    same = before == now
    was = "differs from" if before else "is not in"
    finding = Finding(
        id="policy-unchanged" if same else "policy-changed",
        metric="policy",
        outcome=Outcome.PASS if same else Outcome.WARN,
        reason=f"The policy {'is the same as in' if same else was} the baseline's commit {base[:12]}.",
        docs="README.md#the-policy",
        description="The change is judged by the policy of its baseline.",
    )
    _write("check", [finding], inputs, services)


def _regression(policy: Regression, inputs: Inputs, services: Services) -> Result:
    from ghmlops.commands import regression

    given = regression.Inputs(
        policy=inputs.policy,
        evidence_dir=inputs.evidence_dir,
        leg=inputs.leg,
        baseline=inputs.baseline,
        candidate=inputs.candidate,
    )
    fetched = [spec for one in policy.datasets for side in _SIDES for spec in getattr(one, side)]
    if any(spec.startswith("artifact:") for spec in (*fetched, inputs.baseline, inputs.candidate)):
        raise InputError(
            "artifacts of other runs need a token, and `check` holds none, because it runs the change's own code",
            hint="use actions/regression in a job of its own, or fetch the artifact in an earlier step",
        )
    return regression.run(given, services)


_SIDES = ("baseline", "candidate", "labels", "noise")


def _latency(policy: Policy, inputs: Inputs, services: Services, base: str) -> Result:
    """Run the duet; when it fails, run it again on fresh deployments with the slots swapped."""
    from ghmlops.act.evidence import evidence_name
    from ghmlops.commands import latency
    from ghmlops.commands.check.arms import deployed

    given = latency.Inputs(
        policy=inputs.policy, evidence_dir=inputs.evidence_dir, leg=inputs.leg, seed=inputs.seed, url="unset"
    )
    with deployed(policy, inputs, services, base) as at:
        _ready_evidence(at.started, inputs, services)
        at_once = msgspec.structs.replace(given, url=at.candidate, baseline_url=at.baseline)
        first = latency.run(at_once, services)
    fresh = not inputs.url and policy.preview is not None and policy.preview.command
    if first.outcome is not Outcome.FAIL or not fresh:
        return first
    services.console.note("latency: failed; measuring again on fresh deployments with the slots swapped")
    failed = f"{inputs.evidence_dir}/{evidence_name('latency', inputs.leg)}"
    with deployed(policy, inputs, services, base, swapped=True) as at:
        again = msgspec.structs.replace(
            given, url=at.candidate, baseline_url=at.baseline, leg=_confirm_leg(inputs), confirm=failed
        )
        latency.run(again, services)
    return first


def _preview(policy: Policy, inputs: Inputs, services: Services) -> Result:
    """Only show that the candidate starts and becomes ready."""
    from ghmlops.commands.check.arms import deployed

    with deployed(policy, inputs, services, "") as at:
        _ready_evidence(at.started, inputs, services)
        return Result(outcome=Outcome.PASS, reason_code="preview-ready", reason=f"ready at {at.candidate}.")


def _ready_evidence(started: Mapping[str, Preview], inputs: Inputs, services: Services) -> None:
    """Keep how long each service that was started here took until it was ready."""
    findings = [
        Finding(
            id="preview-ready",
            metric="startup-time",
            outcome=Outcome.PASS,
            reason=f"The {arm} was ready after {show_duration(preview.seconds)}.",
            docs="actions/preview/README.md#start-a-command",
            description="The service starts and becomes ready.",
            dataset=arm,
            unit="s",
            candidate=finite(round(preview.seconds, 3)),
        )
        for arm, preview in started.items()
    ]
    if findings:
        _write("preview", findings, inputs, services)


def _report(inputs: Inputs, services: Services) -> Result:
    from ghmlops.commands import report

    given = report.Inputs(
        policy=inputs.policy,
        evidence_dir=inputs.evidence_dir,
        fail_on=inputs.fail_on,
        comment=False,
        markdown=inputs.markdown,
        html=inputs.html,
    )
    done = report.run(given, services)
    outputs = {k: v for k, v in done.outputs.items() if k != "comment-url"}
    return dataclasses.replace(done, outputs={**outputs, "evidence-dir": inputs.evidence_dir})
