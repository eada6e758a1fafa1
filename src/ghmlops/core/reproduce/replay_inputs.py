"""Inputs of a run in its evidence, from which it is replayed; evidence of another job may be hostile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.details.regression import DatasetInputs, RegressionInputs, regression_details
from ghmlops.core.errors import EvidenceError, InputError
from ghmlops.core.policy.regression import Dataset

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ghmlops.core.evidence.document import Evidence

_MAX_ABBREVIATED = 120
_ROLES = ("baseline", "candidate", "labels", "noise")


def write_inputs(policy: str, engine: str, memory_limit: str, datasets: Iterable[Dataset]) -> RegressionInputs:
    """Return the inputs of a run for its evidence.

    Args:
        policy: Path of the policy file, as the user named it.
        engine: Name of the engine.
        memory_limit: Memory limit of the engine, as the user wrote it.
        datasets: Data sets with the specifications of their artifacts.
    """
    artifacts = [{field: getattr(dataset, field) for field in DatasetInputs.__struct_fields__} for dataset in datasets]
    inputs = {"policy": policy, "engine": engine, "memory_limit": memory_limit, "datasets": artifacts}
    return msgspec.convert(inputs, RegressionInputs)


def read_inputs(evidence: Evidence, file: str) -> RegressionInputs:
    """Return the inputs of the run that wrote the evidence; messages call it `file`.

    Raises:
        EvidenceError: The evidence does not contain them.
    """
    inputs = regression_details(evidence.details).inputs
    if inputs is None:
        raise EvidenceError(
            f"{file} does not name the artifacts that were compared",
            hint="replay evidence that this release of `ghmlops regression` wrote",
        )
    return inputs


def replay_datasets(
    inputs: RegressionInputs, overrides: Mapping[str, str], trusted: Collection[str], file: str
) -> tuple[Dataset, ...]:
    """Return the data sets to compare again.

    Evidence may come from another job, so it alone decides only on files inside the repository. Any other artifact must
    also be named by the repository's own policy, or by the person who runs the replay.

    Args:
        inputs: Inputs in the evidence.
        overrides: Role (`baseline`, `candidate`, `labels`) to the artifact that the user names instead; empty if none.
        trusted: Artifacts that the policy names.
        file: Name of the evidence file in messages.

    Raises:
        EvidenceError: An artifact is outside the repository, and only the evidence names it.
        InputError: Artifacts are overridden although there are several data sets.
    """
    flags = {role: (text,) for role, text in overrides.items() if text}
    if flags and len(inputs.datasets) > 1:
        raise InputError(
            f"{', '.join(f'--{role}' for role in flags)} cannot be used with --replay, because {file} compared "
            f"{len(inputs.datasets):,} data sets",
            hint="name the artifacts of each data set in the policy, and omit the flags",
        )
    datasets = []
    for dataset in inputs.datasets:
        artifacts: dict[str, tuple[str, ...]] = {role: flags.get(role, getattr(dataset, role)) for role in _ROLES}
        for role, specs in artifacts.items():
            for spec in specs:
                if role not in flags and spec not in trusted:
                    _check_artifact(spec, role, file)
        datasets.append(Dataset(name=dataset.name, **artifacts))
    return tuple(datasets)


def check_policy_path(path: str, file: str) -> None:
    """Refuse a policy file outside the repository that only the evidence names.

    Raises:
        EvidenceError: The path leads out of the repository.
    """
    if reason := outside_reason(path):
        raise EvidenceError(
            f'{file} names the policy "{abbreviate(path)}", which {reason}', hint="name the policy: --policy FILE"
        )


def _check_artifact(spec: str, role: str, file: str) -> None:
    if reason := outside_reason(spec):
        flag = "" if role == "noise" else f", or with --{role} FILE"
        raise EvidenceError(
            f'{file} names the {role} "{abbreviate(spec)}", which {reason}; evidence alone does not decide that it is '
            "read",
            hint=f"name it in the policy{flag}",
        )


def outside_reason(spec: str) -> str:
    """Return why an artifact is not a file inside the working directory; an empty string if it is one.

    A specification may be a list separated by commas or line breaks (`core.artifacts.spec`), so each part is checked.
    """
    for part in spec.replace("\n", ",").split(","):
        path = part.strip()
        if path.startswith("artifact:") or "://" in path:
            return "would be downloaded"
        if path.startswith(("/", "~")):
            return "is an absolute path"
        if ".." in path.split("/"):
            return "leads out of the repository"
        if not path or not path.isprintable():
            return "is not a path"
    return ""


def abbreviate(text: str) -> str:
    """Return untrusted text on one printable line of at most 120 characters."""
    line = "".join(c if c.isprintable() else "?" for c in text)
    return line if len(line) <= _MAX_ABBREVIATED else line[: _MAX_ABBREVIATED - 1] + "…"
