"""Everything that `ghmlops regression` needs, read and checked before an artifact is opened."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import InputError, PolicyError
from ghmlops.core.policy.regression import Dataset
from ghmlops.core.quantities import size

if TYPE_CHECKING:
    from ghmlops.commands.regression.inputs import Inputs
    from ghmlops.commands.shared.base import Common, Services
    from ghmlops.core.policy.regression import Regression
    from ghmlops.measure.predictions.engine.engines import Engine

ENGINES = ("duckdb", "spark")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a comparison needs.

    Attributes:
        policy: section `regression` of the policy.
        policy_path: path of the policy file, as the user named it.
        datasets: data sets with the specifications of their artifacts.
        engine: engine that reads the artifacts.
        memory_limit: its memory limit, as the user wrote it.
        token: GitHub token for artifacts of workflow runs; may be empty.
    """

    policy: Regression
    policy_path: str
    datasets: tuple[Dataset, ...]
    engine: Engine
    memory_limit: str
    token: str


def prepare(inputs: Inputs, services: Services) -> Job:
    """Read the policy and the inputs.

    Raises:
        InputError: An artifact is not named, the engine is unknown, or the memory limit is malformed.
        PolicyError: The policy is invalid or has no section `regression`.
    """
    policy = regression_policy(inputs, services)
    datasets = _datasets(inputs, policy)
    if inputs.baseline_file:
        from ghmlops.commands.shared.baseline_file import read_baseline, with_baseline

        baseline = read_baseline(services.cwd / inputs.baseline_file, inputs.baseline_file)
        datasets = with_baseline(datasets, baseline, str(PurePosixPath(inputs.baseline_file).parent))
    return build_job(inputs, policy, datasets)


def build_job(inputs: Inputs, policy: Regression, datasets: tuple[Dataset, ...]) -> Job:
    """Return the job for these data sets.

    Raises:
        InputError: The engine is unknown, or the memory limit is malformed.
    """
    from ghmlops.measure.predictions.engine.engines import Engine

    if inputs.engine not in ENGINES:
        raise InputError(f'input `engine`: unknown engine "{inputs.engine}"', hint=f"one of {', '.join(ENGINES)}")
    return Job(
        policy=policy,
        policy_path=inputs.policy,
        datasets=datasets,
        engine=Engine(name=inputs.engine, memory=memory_bytes(inputs), master=inputs.spark_master),
        memory_limit=inputs.memory_limit,
        token=inputs.token,
    )


def memory_bytes(inputs: Inputs) -> int:
    """Return the memory limit in bytes.

    Raises:
        InputError: It is malformed.
    """
    try:
        return size(inputs.memory_limit)
    except ValueError as error:
        raise InputError(f"input `memory-limit`: {error}", hint="--memory-limit 1GiB") from None


def regression_policy(inputs: Common, services: Services, *, hint: str = "") -> Regression:
    """Return the section `regression` of the policy; `hint` replaces the hint of the error if it is missing.

    Columns that the policy of the baseline's commit keeps private remain so, although the change drops them.

    Raises:
        PolicyError: The policy is invalid, has no section `regression`, or judges such a column.
    """
    from ghmlops.commands.shared.input_paths import policy_path
    from ghmlops.commands.shared.policy_file import base_policy, load_policy
    from ghmlops.core.predictions.private_columns import keep_private

    policy = load_policy(policy_path(services, inputs.policy), inputs.policy).regression
    if policy is None:
        raise PolicyError(
            f"{inputs.policy} has no section `regression`",
            hint=hint or "add one: `regression: {task: binary, ...}`",
        )
    base = base_policy(inputs.policy, services)
    return keep_private(policy, base.regression if base else None, inputs.policy)


def _datasets(inputs: Inputs, policy: Regression) -> tuple[Dataset, ...]:
    """Return the data sets of the policy, with the artifacts that the inputs name instead."""
    roles = ("baseline", "candidate", "labels")
    overrides = {role: (spec,) for role in roles if (spec := getattr(inputs, role))}
    if policy.predict and not inputs.labels:
        datasets = policy.predicted_datasets(inputs.baseline, inputs.candidate)
        _require_sides(inputs, policy, datasets)
        return datasets
    if overrides and len(policy.datasets) > 1:
        raise InputError(
            f"{', '.join(f'--{role}' for role in overrides)} cannot name the artifact of several data sets",
            hint=f"name the artifacts of each under `datasets` in {inputs.policy}, or use a policy with one data set",
        )
    datasets = tuple(msgspec.structs.replace(one, **overrides) for one in policy.datasets or (Dataset(),))
    _require_sides(inputs, policy, datasets)
    return datasets


def _require_sides(inputs: Inputs, policy: Regression, datasets: tuple[Dataset, ...]) -> None:
    """Check that every data set has both sides.

    Raises:
        InputError: One is missing.
    """
    for dataset in datasets:
        for role in ("baseline", "candidate"):
            if not getattr(dataset, role):
                hint = f"use --{role} FILE, or `regression: {{artifacts: {{{role}: FILE}}}}` in {inputs.policy}"
                if policy.predict:
                    hint = f"`predict` of {inputs.policy} runs in `ghmlops check`; here, use --{role} FILE"
                raise InputError(f"no {role} was named", hint=hint)
