"""The library: judges tables or files of predictions in the process of the caller.

    import ghmlops

    result = ghmlops.compare(baseline, candidate, task="binary", key="id", label="clicked", score="p_click")
    assert result.passed, result.message

The numbers are those of `ghmlops regression` to the bit, because both call the same functions. Errors are those of
`ghmlops.core.errors`. Packages are imported at the first call.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ghmlops.core.errors import GhmlopsError, InputError, PolicyError
from ghmlops.core.model import Finding, Measurement, NotMeasured, Outcome, conclude, failed

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd  # type: ignore[import-untyped]

    from ghmlops.commands.shared.base import Result, Services
    from ghmlops.commands.shared.evidence import EvidenceContent
    from ghmlops.core.details import Details
    from ghmlops.core.policy.regression import Dataset, Regression
    from ghmlops.measure.predictions.artifacts.source import Source

ROLES = ("baseline", "candidate", "labels", "noise")


class ArrowTable(Protocol):
    """A table that exports the Arrow C data interface: of pandas, polars, pyarrow, DuckDB and others."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the stream of the table's columns."""


Table = ArrowTable | str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""A table in memory, or the file, glob, folder, list or URL that `ghmlops regression` accepts."""
PolicySource = Mapping[str, Any] | str | os.PathLike[str]
"""A policy, or its section `regression`, as nested mappings; or the path of a policy file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Result of a measurement.

    Attributes:
        command: the command that would write the same evidence: `regression` or `latency`.
        outcome: as bad as the worst finding; `inconclusive` without any.
        reason_code: id of the finding that decided, or `all-passed`.
        reason: the reason of that finding.
        findings: judged statements, as in the evidence.
        measurements: numbers that were measured, as in the evidence.
        not_measured: what a reader could believe was checked, and was not.
        details: typed details, as in the evidence.
        fingerprints: fingerprints of the data, as in the evidence.
    """

    command: str
    outcome: Outcome
    reason_code: str
    reason: str
    findings: tuple[Finding, ...]
    measurements: tuple[Measurement, ...] = ()
    not_measured: tuple[NotMeasured, ...] = ()
    details: Details | None = None
    fingerprints: Mapping[str, str]

    @property
    def passed(self) -> bool:
        """Whether the outcome is `pass` or `warn`, which the gate lets through."""
        return not failed(self.outcome, Outcome.INCONCLUSIVE)

    @property
    def sentences(self) -> list[str]:
        """The sentences of the pull-request comment: one for each cause, the worst first; empty for a pass."""
        from ghmlops.report.formats.notebook import sentences

        return sentences(self.findings, self.command)

    @property
    def message(self) -> str:
        """The sentences in one text, or the reason if there is no cause."""
        return "\n".join(self.sentences) or self.reason

    def to_pandas(self) -> pd.DataFrame:
        """Return one row per finding with the columns of the evidence; `change` is `estimate`, `low` and `high`.

        Raises:
            InputError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError:
            raise InputError("pandas is not installed", hint='pip install "ghmlops[pandas]"') from None
        columns = ("id", "metric", "dataset", "slice", "window", "unit", "baseline", "candidate")
        change, rest = ("estimate", "low", "high"), ("margin", "n", "method", "outcome", "reason")
        rows = [
            {
                **{name: getattr(finding, name) for name in columns},
                **{name: getattr(finding.change, name, None) for name in change},
                **{name: getattr(finding, name) for name in rest},
                "outcome": finding.outcome.value,
            }
            for finding in self.findings
        ]
        return pd.DataFrame(rows, columns=[*columns, *change, *rest])

    def _repr_html_(self) -> str:
        """Return the representation in a notebook."""
        from ghmlops.report.formats.notebook import fragment

        return fragment(self.findings, self.command, self.outcome, self.reason)

    def __str__(self) -> str:
        """Return the outcome and the message."""
        return f"{self.outcome.value}: {self.message}"


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
    with _with_hint():
        from ghmlops.commands.regression.measure import judge, observe_targets
        from ghmlops.core.predictions.private_values import withheld_values
        from ghmlops.core.quantities import size
        from ghmlops.measure.predictions.engine.engines import Engine

        section = _section(policy, keys)
        tables = {"baseline": baseline, "candidate": candidate, "labels": labels, "noise": noise}
        overrides = {role: table for role, table in tables.items() if table is not None}
        try:
            engine = Engine(memory=size(memory_limit))
        except ValueError as error:
            raise InputError(f"`memory_limit`: {error}", hint='memory_limit="1GiB"') from None
        observations = []
        for dataset in _datasets(section, overrides):
            with withheld_values(section.private_columns), _sources(dataset, overrides) as sources:
                observed = observe_targets(engine, section, sources, lambda _: None)
            observations += [replace(one, dataset=dataset.name) for one in observed]
        return _judgement("regression", judge(observations, section))


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
    with _with_hint():
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

    with _with_hint("latency"), temporary_folder("ghmlops-latency-") as folder:
        limit = _fail_on(fail_on)
        path = _policy_file(policy, folder)
        inputs = Inputs(
            url=url, baseline_url=baseline_url, seed=seed, policy=path, evidence_dir=str(folder / "evidence")
        )
        result: Result = run(inputs, _services())
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


def _judgement(command: str, content: EvidenceContent) -> Judgement:
    outcome, code, reason = content.ruling or conclude(content.findings)
    return Judgement(
        command=command,
        outcome=outcome,
        reason_code=code,
        reason=reason,
        findings=tuple(content.findings),
        measurements=tuple(content.measurements),
        not_measured=tuple(content.not_measured),
        details=content.details,
        fingerprints=dict(content.fingerprints),
    )


def _section(policy: PolicySource | None, keys: Mapping[str, Any]) -> Regression:
    """Return the section `regression` of a policy in any of its forms."""
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.core.policyfile.document import read_policy_values, read_regression_values

    section = {name.replace("_", "-"): value for name, value in keys.items()}
    if isinstance(policy, Mapping) and not {"regression", "version"} & policy.keys():
        return read_regression_values({**policy, **section})
    if policy is None:
        return read_regression_values(section)
    if section:
        raise InputError(
            f"a whole policy and the keys {', '.join(sorted(section))} exclude each other",
            hint="pass the section `regression` as a mapping, or put the keys into the policy",
        )
    name = "policy" if isinstance(policy, Mapping) else os.fspath(policy)
    whole = read_policy_values(policy) if isinstance(policy, Mapping) else load_policy(Path(name), name)
    if whole.regression is None:
        raise PolicyError(f"{name} has no section `regression`", hint="add one: `regression: {task: binary, ...}`")
    return whole.regression


def _datasets(section: Regression, overrides: Mapping[str, Table]) -> tuple[Dataset, ...]:
    from ghmlops.core.policy.regression import Dataset

    if overrides and len(section.datasets) > 1:
        raise InputError(
            f"{', '.join(overrides)} cannot name the artifact of several data sets",
            hint="name the artifacts of each under `datasets` in the policy, or use a policy with one data set",
        )
    datasets = section.datasets or (Dataset(),)
    for role in ROLES[:2]:
        if role not in overrides and not all(getattr(dataset, role) for dataset in datasets):
            raise InputError(f"no {role} was named", hint=f"pass `{role}`: a table or a file")
    return datasets


@contextlib.contextmanager
def _sources(dataset: Dataset, overrides: Mapping[str, Table]) -> Iterator[dict[str, Source]]:
    """Return the artifacts of a data set by role; downloaded files are removed at the end."""
    import msgspec

    from ghmlops.commands.regression.measure import engine_source, resolved_artifacts
    from ghmlops.measure.predictions.artifacts.memory_table import is_table, table_source

    tables = {role: table for role, table in overrides.items() if is_table(table)}
    for role in ("candidate", "noise"):
        if role in tables and tables[role] is tables.get("baseline"):
            raise InputError(
                f"one table is both the baseline and the {role}; comparing it with itself shows nothing",
                hint="pass two tables; one of them may be a copy of the other",
            )
    specs = {role: () if role in tables else _specs(role, table) for role, table in overrides.items()}
    named = msgspec.structs.replace(dataset, **specs)
    with resolved_artifacts(named, "", _services()) as artifacts:
        sources = {role: table_source(table, role) for role, table in tables.items()}
        sources |= {role: engine_source(artifact) for role, artifact in artifacts.items()}
        yield {role: sources[role] for role in ROLES if role in sources}


def _specs(role: str, table: object) -> tuple[str, ...]:
    parts = [table] if isinstance(table, str | os.PathLike) else table
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str | os.PathLike) for part in parts):
        raise InputError(
            f"`{role}`: a value of type {type(table).__name__} is neither a table nor a path",
            hint="pass a table of pandas, polars or pyarrow, or the path of a Parquet file",
        )
    return tuple(os.fspath(part) for part in parts)


def _policy_file(policy: PolicySource, folder: Path) -> str:
    """Return the absolute path of a policy; mappings are written to a file, which is JSON and so YAML."""
    if not isinstance(policy, Mapping):
        return str(Path(policy).absolute())
    path = folder / "policy.yml"
    path.write_text(json.dumps(policy, default=str), encoding="utf-8")
    return str(path)


def _services() -> Services:
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.console import Console
    from ghmlops.core.context import Context

    return Services(
        context=Context(),
        environ=dict(os.environ),
        cwd=Path.cwd(),
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )


@contextlib.contextmanager
def _with_hint(command: str = "regression") -> Iterator[None]:
    """Add the hint of an error as a note, which a traceback shows below the message; name the extra of a package."""
    from ghmlops.commands.shared.extras import missing_extra

    try:
        try:
            yield
        except ModuleNotFoundError as error:
            extra = missing_extra(error, command)
            if extra is None:
                raise
            raise extra from None
    except GhmlopsError as error:
        if error.hint:
            error.add_note(error.hint)
        raise
