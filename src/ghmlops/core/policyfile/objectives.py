"""Reads objectives (the key `slo`)."""

from __future__ import annotations

from typing import Any

from ghmlops.core.policy.objectives import OBJECTIVES, Objectives
from ghmlops.core.policyfile.scalars import RATIO, SECONDS
from ghmlops.core.policyfile.yaml_reader import Located, record


def read_objectives(at: Located) -> Objectives:
    quantiles = dict.fromkeys(OBJECTIVES, SECONDS)
    below: dict[str, Any] = {"first-token": record(dict, quantiles), "token-gap": record(dict, quantiles)}
    found: dict[str, Any] = record(dict, {**quantiles, "errors": RATIO, **below})(at)
    errors, first, gap = found.pop("errors", None), found.pop("first_token", {}), found.pop("token_gap", {})
    return Objectives(quantiles=_named(found), errors=errors, first_token=_named(first), token_gap=_named(gap))


def _named(values: dict[str, float]) -> dict[str, float]:
    return {name.replace("p99_9", "p99.9"): value for name, value in values.items()}
