"""The section `scale`: defaults, and values that are refused."""

from __future__ import annotations

import jsonschema
import pytest
import yaml

from ghmlops.core.errors import PolicyError
from ghmlops.core.policy.production.scale import CapacityFile, Scale, ScaledDeployment
from ghmlops.core.policyfile.document import read_policy
from ghmlops.core.policyfile.schema import policy_schema

PLAIN = "capacity: {evidence: c.json}, demand: {rate: 100/s}, limits: {max: 4}"
QUERY = "capacity: {evidence: c.json}, limits: {max: 4}, prometheus: http://127.0.0.1:9090"
FULL = """\
version: 1
service: s
scale:
  capacity:
    evidence: [{file: a.json, replicas: 1}, {file: b.json, replicas: 4}]
    max-age: 7d
    machine: EPYC
    accept: [other-commit]
  prometheus: {url: "http://127.0.0.1:9090", token-variable: TOKEN}
  demand:
    - name: requests
      prometheus: sum(rate(x[1m]))
      every: 1m
      period: 1d
      history: 14d
      quantile: 95%
      lead: 5m
      stale: 5m
      labels: {app: scorer}
      queue: {prometheus: depth, drain: 5m}
    - {name: contract, rate: 200/s}
    - {name: log, log: {files: "logs/*.csv", time: ts, every: 5m}}
  headroom: 30%
  limits: {min: 0, max: 40, step-up: 2x, step-down: 10%, settle-down: 10m}
  zero: {cold-start: p.json, within: 30s, idle: 30m}
  fallback: 6
  target: {kubernetes: {namespace: prod, deployment: scorer, coexists-with: [flux]}}
  pause: false
  freeze-file: .github/freeze
  mode: apply
"""


def policy(section: str) -> str:
    """Return a policy with a section `scale`."""
    return f"version: 1\nservice: s\nscale: {{{section}}}\n"


def read(text: str) -> Scale:
    """Return the section, which the JSON Schema accepts too."""
    jsonschema.validate(yaml.safe_load(text), policy_schema())
    scale = read_policy(text).scale
    assert scale is not None
    return scale


def test_defaults() -> None:
    """A plan of one file, 30 % headroom, twice up, a tenth down."""
    scale = read(policy(PLAIN))
    assert scale.capacity.evidence == (CapacityFile(file="c.json"),)
    assert (scale.headroom, scale.mode, scale.limits.step_up, scale.limits.step_down) == (0.3, "plan", 2.0, 0.1)
    assert scale.demand[0].rate == 100.0


def test_every_key() -> None:
    """All keys of the documentation are read."""
    scale = read(FULL)
    assert isinstance(scale.target, ScaledDeployment)
    assert scale.demand[0].queue is not None
    assert scale.demand[2].log is not None
    assert (scale.demand[2].log.statistic, scale.demand[2].log.every) == ("count", 300.0)
    assert scale.zero is not None
    assert (scale.zero.cold_start, scale.fallback) == ("p.json", 6)


@pytest.mark.parametrize(
    "section",
    [
        "demand: {rate: 1/s}, limits: {max: 4}",
        "capacity: {evidence: []}, demand: {rate: 1/s}, limits: {max: 4}",
        "capacity: {evidence: ../c.json}, demand: {rate: 1/s}, limits: {max: 4}",
        "capacity: {evidence: {file: c.json, replicas: 0}}, demand: {rate: 1/s}, limits: {max: 4}",
        "capacity: {evidence: c.json, accept: anything}, demand: {rate: 1/s}, limits: {max: 4}",
        "capacity: {evidence: c.json}, demand: [], limits: {max: 4}",
        "capacity: {evidence: c.json}, demand: {}, limits: {max: 4}",
        "capacity: {evidence: c.json}, demand: {prometheus: x}, limits: {max: 4}",
        f"{QUERY}, demand: {{prometheus: x, rate: 1/s}}",
        f"{QUERY}, demand: {{rate: 1/s, queue: {{prometheus: x}}}}",
        f"{QUERY}, demand: {{rate: 1/s, labels: {{a: b}}}}",
        f"{QUERY}, demand: {{prometheus: x, labels: {{a b: c}}}}",
        f"{QUERY}, demand: {{prometheus: x, every: 7s}}",
        f"{QUERY}, demand: {{prometheus: x, every: 1s, history: 30d}}",
        f"{QUERY}, demand: {{prometheus: x, every: 10m}}",
        f"{QUERY}, demand: {{prometheus: x, quantile: 10%}}",
        f"{QUERY}, demand: [{{rate: 1/s}}, {{rate: 2/s}}]",
        f"{PLAIN}, headroom: 95%",
        f"{PLAIN}, fallback: 9",
        f"{PLAIN}, mode: apply",
        f"{PLAIN}, mode: now",
        f"{PLAIN}, target: {{}}",
        f"{PLAIN}, target: {{haproxy: {{}}}}",
        f"{PLAIN}, target: {{kubernetes: {{namespace: p}}}}",
        f"{PLAIN}, target: {{kubernetes: {{namespace: p, deployment: --all}}}}",
        f"{PLAIN}, target: {{command: {{get: g, set: s}}}}",
        f"{PLAIN}, zero: {{cold-start: p.json, within: 30s}}",
        f"{PLAIN}, manifest: {{deployment: A_B}}",
        f"{PLAIN}, target: {{kubernetes: {{namespace: p, deployment: d}}}}, manifest: {{deployment: d}}",
        "capacity: {evidence: c.json}, demand: {rate: 1/s}, limits: {min: 5, max: 4}",
        "capacity: {evidence: c.json}, demand: {rate: 1/s}, limits: {min: 0, max: 4}",
        "capacity: {evidence: c.json}, demand: {rate: 1/s}, limits: {max: 99999}",
        "capacity: {evidence: c.json}, demand: {rate: 1/s}, limits: {max: 4, step-up: 1x}",
        "capacity: {evidence: c.json}, demand: {rate: 1/s}, limits: {max: 4, step-down: 0%}",
    ],
)
def test_refused_values(section: str) -> None:
    """Each is an error of the policy."""
    with pytest.raises(PolicyError):
        read_policy(policy(section))
