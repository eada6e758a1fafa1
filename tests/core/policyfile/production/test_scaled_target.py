"""The value `scale.target`: one kind with its settings."""

from __future__ import annotations

import json

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.policy.production.scale import ScaledBackend, ScaledCommand, ScaledDeployment
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
    backend = read_scaled_target(parse("haproxy: {socket: /run/h.sock, backend: scorer, servers: [s1, s2]}", "p"))
    assert backend == ScaledBackend(socket="/run/h.sock", backend="scorer", servers=("s1", "s2"))


@pytest.mark.parametrize("servers", ["[]", "[s1, s2, s1]", '["s1; shutdown sessions"]'])
def test_servers_that_are_no_replicas(servers: str) -> None:
    """None, one twice, and a name that would be a second command on the socket."""
    with pytest.raises(PolicyError) as caught:
        read_scaled_target(parse(f"haproxy: {{socket: h.sock, backend: scorer, servers: {servers}}}", "p.yml"))
    assert "p.yml:1" in caught.value.message


@pytest.mark.parametrize(("command", "line"), [("./a 'b", 2), ("./a \\", 2), ('./a "{replicas}', 3)])
def test_commands_that_cannot_be_split(command: str, line: int) -> None:
    """An open quotation or a lone backslash is named with its line, before anything runs."""
    get, change = (command, "./a {replicas}") if line == 2 else ("./a", command)
    with pytest.raises(PolicyError) as caught:
        read_scaled_target(parse(f"command:\n  get: {json.dumps(get)}\n  set: {json.dumps(change)}\n", "p.yml"))
    assert f"p.yml:{line}" in caught.value.message
    assert "'" in caught.value.hint
