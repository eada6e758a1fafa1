"""The value `target` of the policy: exactly one kind, with names that cannot become commands."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.policy.target import (
    CommandTarget,
    DryRunTarget,
    EnvoyTarget,
    HaproxyTarget,
    KubernetesTarget,
    NginxTarget,
)
from ghmlops.core.policyfile.target import READERS, read_target
from ghmlops.core.policyfile.yaml_reader import parse


@pytest.mark.parametrize(
    ("text", "has_twin"),
    [
        ("{dry-run: }", True),
        ("{dry-run: {twin: false}}", False),
        ("{command: {set: 'r {arm} {weight}', get: 'r {arm}'}}", False),
        ("{command: {set: 'r {arm} {weight}', get: 'r {arm}', twin: true}}", True),
        ("{haproxy: {socket: s, backend: b, candidate: a, baseline: c}}", False),
        ("{haproxy: {socket: s, backend: b, candidate: a, baseline: c, twin: t}}", True),
        ("{envoy: {admin: 'h:9', runtime-key-prefix: p, candidate: a, baseline: c}}", False),
        ("{envoy: {admin: 'h:9', runtime-key-prefix: p, candidate: a, baseline: c, twin: t}}", True),
        ("{nginx: {servers: f, candidate: 'a:1', baseline: 'c:1', twin: 't:1'}}", True),
        ("{kubernetes: {route: r, namespace: n, candidate: a, baseline: c}}", False),
        ("{kubernetes: {route: r, namespace: n, candidate: a, baseline: c, twin: t}}", True),
    ],
)
def test_twin(text: str, has_twin: bool) -> None:
    """Every kind says whether it has one."""
    assert read_target(parse(text, "policy.yml")).has_twin is has_twin


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("{haproxy: {socket: s, backend: b, candidate: a, baseline: c, twin: t, header-route: h}}", "h"),
        ("{envoy: {admin: 'h:9', runtime-key-prefix: p, candidate: a, baseline: c, twin: t, header-route: h}}", "h"),
        ("{haproxy: {socket: s, backend: b, candidate: a, baseline: c}}", ""),
        ("{dry-run: }", ""),
    ],
)
def test_the_route_of_requests_with_a_header(text: str, route: str) -> None:
    """It has the candidate and the baseline of the target, and no twin."""
    settings = read_target(parse(text, "policy.yml")).header_settings
    if not route:
        assert settings is None
        return
    assert isinstance(settings, HaproxyTarget | EnvoyTarget)
    name = settings.backend if isinstance(settings, HaproxyTarget) else settings.runtime_key_prefix
    assert (name, settings.candidate, settings.baseline, settings.twin) == (route, ("a",), ("c",), ())
    assert settings.header_settings is None


def test_every_kind_has_its_settings() -> None:
    """The table of readers names the kinds of the types."""
    kinds = (DryRunTarget, CommandTarget, HaproxyTarget, EnvoyTarget, NginxTarget, KubernetesTarget)
    assert set(READERS) == {kind.__struct_config__.tag for kind in kinds}


@pytest.mark.parametrize(
    ("section", "fact"),
    [
        ("{}", "dry-run, command, haproxy"),
        ("{dry-run: {}, command: {}}", "exactly one"),
        ("{haprox: {}}", "haproxy"),
        ("{haproxy: {socket: s, backend: b, candidate: a}}", "baseline"),
        ("{haproxy: {socket: s, backend: 'b; shutdown', candidate: a, baseline: c}}", "b; shutdown"),
        ("{haproxy: {socket: s, backend: b, candidate: a, baseline: a}}", '"a"'),
        ("{haproxy: {socket: s, backend: b, candidate: a, baseline: c, header-route: b}}", '"b"'),
        ("{envoy: {admin: 'h:9', runtime-key-prefix: p, candidate: a, baseline: c, header-route: 'p q'}}", "p q"),
        ("{kubernetes: {route: r, candidate: a, baseline: c}}", "namespace"),
        ("{kubernetes: {route: --all, namespace: n, candidate: a, baseline: c}}", "--all"),
        ("{kubernetes: {route: r, namespace: n, candidate: 'a;b', baseline: c}}", "a;b"),
        ("{kubernetes: {route: r, namespace: n, candidate: a, baseline: a}}", '"a"'),
        ("{kubernetes: {route: r, namespace: n, candidate: a, baseline: c, scale: true}}", "deployments"),
        ("{kubernetes: {route: r, namespace: n, candidate: a, baseline: c, context: '-x'}}", "-x"),
        ("{kubernetes: {route: r, namespace: n, candidate: a, baseline: c, coexists-with: helm}}", "argo-cd"),
        (
            "{kubernetes: {route: r, namespace: n, candidate: a, baseline: c, twin: t, "
            "deployments: {candidate: a, baseline: c}}}",
            "twin",
        ),
        ("{command: {set: 'r {arm}', get: 'r {arm}'}}", "{weight}"),
        ("{command: {set: 'r {arm} {weight}'}}", "get"),
        ("{command: {set: 'r {arm} {weight}', get: 'r \"{arm}'}}", "quotation"),
        ("{nginx: {servers: f, candidate: 'a:1', baseline: 'c:1', check: 'nginx \"-t'}}", "quotation"),
        ("{nginx: {servers: f, candidate: 'a:1', baseline: 'c:1', reload: 'nginx \"-s'}}", "quotation"),
    ],
)
def test_bad_targets(section: str, fact: str) -> None:
    """One line with the line of the file and what to write instead."""
    with pytest.raises(PolicyError) as caught:
        read_target(parse(section, "policy.yml"))
    text = f"{caught.value.message} {caught.value.hint}"
    assert fact in text
    assert "policy.yml:1" in text
    assert "\n" not in text
