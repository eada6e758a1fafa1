"""The value `scale.target`: one kind with its settings."""

from __future__ import annotations

from ghmlops.core.policy.production.scale import ScaledCommand, ScaledDeployment
from ghmlops.core.policyfile.production.scaled_target import read_scaled_target
from ghmlops.core.policyfile.yaml_reader import parse


def test_each_kind() -> None:
    """Names and commands, with a time limit of 30 seconds."""
    text = "kubernetes: {namespace: prod, deployment: scorer, context: c, coexists-with: [argo-cd], timeout: 5s}"
    assert read_scaled_target(parse(text, "p")) == ScaledDeployment(
        namespace="prod", deployment="scorer", context="c", coexists_with=("argo-cd",), timeout=5.0
    )
    command = read_scaled_target(parse("command: {get: ./replicas, set: './replicas {replicas}'}", "p"))
    assert command == ScaledCommand(get="./replicas", set="./replicas {replicas}", timeout=30.0)
