"""The forms in which the library accepts a policy."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ghmlops.core.errors import InputError, PolicyError

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import Regression

PolicySource = Mapping[str, Any] | str | os.PathLike[str]
"""A policy, or its section `regression`, as nested mappings; or the path of a policy file."""


def regression_section(policy: PolicySource | None, keys: Mapping[str, Any]) -> Regression:
    """Return the section `regression` of a policy in any of its forms.

    Raises:
        InputError: A whole policy and keys are passed.
        PolicyError: The policy is invalid or has no such section.
    """
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


def policy_file(policy: PolicySource, folder: Path) -> str:
    """Return the absolute path of a policy; mappings are written to a file, which is JSON and so YAML."""
    if not isinstance(policy, Mapping):
        return str(Path(policy).absolute())
    path = folder / "policy.yml"
    path.write_text(json.dumps(policy, default=str), encoding="utf-8")
    return str(path)
