"""Reads the objectives of a section (the key `slo`)."""

from __future__ import annotations

from typing import Any

from ghmlops.core.policy.objectives import OBJECTIVES, Objectives
from ghmlops.core.policyfile.scalars import RATIO, SECONDS
from ghmlops.core.policyfile.yaml_reader import Located, record


def read_objectives(at: Located) -> Objectives:
    """Read limits on response time quantiles, errors and the tokens of a stream.

    Raises:
        PolicyError: A key is not a supported quantile, or a value is not a duration or a ratio.
    """
    quantiles = dict.fromkeys(OBJECTIVES, SECONDS)
    tokens: dict[str, Any] = dict.fromkeys(("first-token", "first-output-token", "token-gap"), record(dict, quantiles))
    values: dict[str, Any] = record(dict, {**quantiles, "errors": RATIO, **tokens})(at)
    errors = values.pop("errors", None)
    limits = {key: _restore_names(values.pop(key, {})) for key in ("first_token", "first_output_token", "token_gap")}
    return Objectives(quantiles=_restore_names(values), errors=errors, **limits)


def _restore_names(values: dict[str, float]) -> dict[str, float]:
    """Undo the conversion of keys to field names for p99.9, whose name has a dot."""
    return {name.replace("p99_9", "p99.9"): value for name, value in values.items()}
