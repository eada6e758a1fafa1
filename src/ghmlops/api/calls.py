"""The functions of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ghmlops.api.in_process import services, with_hint
from ghmlops.api.judgement import Judgement, judgement_of
from ghmlops.api.policies import policy_file, regression_section
from ghmlops.api.tables import named_datasets, table_sources
from ghmlops.core.errors import InputError
from ghmlops.core.model import Outcome, failed

if TYPE_CHECKING:
    from ghmlops.api.policies import PolicySource
    from ghmlops.api.tables import Table
    from ghmlops.commands.shared.base import Result


def compare(  # noqa: PLR0913  (four tables and a policy, by keyword)
    baseline: Table | None = None,
    candidate: Table | None = None,
    policy: PolicySource | None = None,
    *,
    labels: Table | None = None,
    noise: Table | None = None,
    memory_limit: str = "1GiB",
    **keys: Any,  # noqa: ANN401  (checked by the reader of the policy)
) -> Judgement:
    """Compare the predictions of a candidate with those of a baseline, row by row, as `ghmlops regression` does.

    Args:
        baseline: predictions of the baseline; None: the artifact that the policy names.
        candidate: predictions of the candidate; None: the artifact that the policy names.
        policy: path of a policy file, a whole policy as mappings, or its section `regression` as a mapping.
        labels: labels to join by key, if the tables have none.
        noise: predictions of a second baseline, trained by the same recipe with another seed.
        memory_limit: memory that the comparison uses before it spills to disk.
        keys: keys of the section `regression` with `_` in place of `-`; they override those of a mapping.

    Returns:
        The judgement, with the findings and measurements of the evidence.

    Raises:
        InputError: A side is missing or is both sides, a package is missing, or the memory limit is malformed.
        PolicyError: The policy is invalid or has no section `regression`.
        DataError: A table or file cannot be used.
    """
    with with_hint():
        from ghmlops.commands.regression.measure import judge, observe_targets
        from ghmlops.core.predictions.private_values import withheld_values
        from ghmlops.core.quantities import size
        from ghmlops.measure.predictions.engine.engines import Engine

        section = regression_section(policy, keys)
        tables = {"baseline": baseline, "candidate": candidate, "labels": labels, "noise": noise}
        overrides = {role: table for role, table in tables.items() if table is not None}
        try:
            engine = Engine(memory=size(memory_limit))
        except ValueError as error:
            raise InputError(f"`memory_limit`: {error}", hint='memory_limit="1GiB"') from None
        observations = []
        for dataset in named_datasets(section, overrides):
            with withheld_values(section.private_columns), table_sources(dataset, overrides) as sources:
                observed = observe_targets(engine, section, sources, lambda _: None)
            observations += [replace(one, dataset=dataset.name) for one in observed]
        return judgement_of("regression", judge(observations, section))


def assert_no_regression(
    baseline: Table | None = None,
    candidate: Table | None = None,
    policy: PolicySource | None = None,
    *,
    fail_on: str = "inconclusive",
    **keys: Any,  # noqa: ANN401  (see `compare`)
) -> Judgement:
    """Compare as `compare` does, and raise if the outcome is `fail_on` or worse.

    Args:
        baseline: predictions of the baseline.
        candidate: predictions of the candidate.
        policy: see `compare`.
        fail_on: `inconclusive` by default, because too few rows show nothing; `fail` or `warn`.
        keys: further arguments of `compare`.

    Raises:
        AssertionError: The message has the sentences of the pull-request comment.
        GhmlopsError: As `compare`.
    """
    __tracebackhide__ = True  # pytest then ends the traceback at the line of the test
    with with_hint():
        limit = _fail_on(fail_on)
    return _assert(compare(baseline, candidate, policy, **keys), limit)


def assert_latency(
    url: str, policy: PolicySource, *, baseline_url: str = "", fail_on: str = "inconclusive", seed: int = 1
) -> Judgement:
    """Measure the latency of a running service as `ghmlops latency` does, and raise at `fail_on` or worse.

    Args:
        url: address of the candidate, on this machine.
        policy: path of a policy file, or a whole policy as mappings, with the section `latency`.
        baseline_url: address of the baseline; empty: the objectives alone decide.
        fail_on: `inconclusive` by default; `fail` or `warn`.
        seed: seed of the schedule and of the order of the requests.

    Raises:
        AssertionError: The message has the sentences of the pull-request comment.
        GhmlopsError: As `ghmlops latency`.
    """
    from ghmlops.commands.latency import Inputs, run
    from ghmlops.measure.evidence import load_folder
    from ghmlops.measure.temporary import temporary_folder

    with with_hint("latency"), temporary_folder("ghmlops-latency-") as folder:
        limit = _fail_on(fail_on)
        path = policy_file(policy, folder)
        inputs = Inputs(
            url=url, baseline_url=baseline_url, seed=seed, policy=path, evidence_dir=str(folder / "evidence")
        )
        result: Result = run(inputs, services())
        evidence = next(file.evidence for file in load_folder(folder / "evidence") if file.evidence is not None)
    return _assert(
        Judgement(
            command="latency",
            outcome=result.outcome,
            reason_code=result.reason_code,
            reason=result.reason,
            findings=tuple(evidence.findings),
            measurements=tuple(evidence.measurements),
            not_measured=tuple(evidence.not_measured),
            details=evidence.details,
            fingerprints=evidence.provenance.fingerprints,
        ),
        limit,
    )


def _assert(judgement: Judgement, limit: Outcome) -> Judgement:
    __tracebackhide__ = True
    if failed(judgement.outcome, limit):
        raise AssertionError(str(judgement))
    return judgement


def _fail_on(name: str) -> Outcome:
    options = ("fail", "inconclusive", "warn")
    if name not in options:
        raise InputError(f'`fail_on`: "{name}" is not an outcome that can fail', hint=f"one of {', '.join(options)}")
    return Outcome(name)
