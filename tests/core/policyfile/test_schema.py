"""The JSON Schema of the policy agrees with the strict reader."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

from declared import DOCUMENTS, ROOT
from ghmlops.core.errors import PolicyError
from ghmlops.core.policyfile.document import read_policy
from ghmlops.core.policyfile.schema import policy_schema

SCHEMA = policy_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
HEAD = "version: 1\nservice: s\n"
BINARY = "regression: {task: binary, key: [id], label: y, score: p"
PROMOTE = "promote: {target: {dry-run: {}}"
UNKNOWN = "qqqqq: 1"


class Loader(yaml.SafeLoader):
    """YAML 1.2, as editors read it: `on` is text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


def load(text: str) -> object:
    """Return a document as an editor reads it."""
    return yaml.load(text, Loader=Loader)  # noqa: S506  (a subclass of the safe loader)


def policies() -> list[Any]:
    """Return every complete policy of the documents, and the starter policy."""
    texts = [(str(p.relative_to(ROOT)), p.read_text(encoding="utf-8")) for p in DOCUMENTS]
    blocks = [
        pytest.param(block, id=f"{name} [{number}]")
        for name, text in texts
        for number, block in enumerate(re.findall(r"^```ya?ml\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL))
        if re.search(r"^version: 1$", block, re.MULTILINE)
    ]
    starter = (ROOT / "src" / "ghmlops" / "starter.yml").read_text(encoding="utf-8")
    return [*blocks, pytest.param(starter, id="starter.yml")]


def accepts(text: str) -> bool:
    """Return whether the schema accepts a policy."""
    return bool(VALIDATOR.is_valid(load(text)))


def reads(text: str) -> bool:
    """Return whether the strict reader accepts a policy."""
    try:
        read_policy(text)
    except PolicyError:
        return False
    return True


@pytest.mark.parametrize("text", policies())
def test_policies_of_the_documents(text: str) -> None:
    """Schema and reader accept every complete policy that a user may copy."""
    assert reads(text)
    assert [error.message for error in VALIDATOR.iter_errors(load(text))] == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "preview: {command: 'serve {port}', ready: /healthz, timeout: 90s, headers: {x: '1'}}",
        "preview: {url: 'https://a.example', baseline-url: 'https://b.example'}",
        "latency: {arrivals: {poisson: auto}, slo: {p99: 150ms, p99.9: 1s, errors: 0.1%}, margins: {p50: 0.02}}",
        "latency: {arrivals: {ramp: {from: 0, to: 50/s}, duration: 2m, warmup: 0}}",
        "latency: {arrivals: {steps: [10/s, 20/s]}, margins: {p99: {fail: 5%, safe: 20%}}}",
        "latency: {mix: [{path: /a, weight: 9}, {path: /b, method: GET}], ca-file: ca.pem, connections: 8}",
        "latency: {request: {expect: {status: [200, 201], json: {a.b: null, c: {matches: x}}, body: {max: 1MB}}}}",
        "latency: {arrivals: {replay: {file: a.log, speed: 2}}}\ncapacity: {most: 100/s, headroom: 20%}",
        BINARY + ", slices: [a, [a, b]], margins: {auc: 0.5%}, time: t, window: 1d}",
        BINARY + ", metrics: {mine: {sql: '1', direction: higher, margin: 0.1}}, changed-rows: {rows: 5, mask: a}}",
        BINARY + ", datasets: {eu: {baseline: a, candidate: b}}, drift: {psi: 0.1}, candidate: {p: q}}",
        "regression: {task: regression, key: id, label: y, prediction: [a, b], quantiles: [0.1, 0.9]}",
        "gate: {after: staging, override: {role: admin, teams: [acme/release]}}",
        "gate: {after: {production: staging}}",
        "gate: {windows: mon-fri 09:00-16:00, time-zone: UTC}\nalerts: {hosts: hooks.slack.com}",
        "revert: {freeze-file: .github/freeze, max-per-day: 2, dispatch: deploy.yml}",
        "targets: '*.example.com'\ngate: {environment: staging, max-age: 1d, first-run: fail, legs: {preview: [eu]}}",
        PROMOTE + ", ladder: [1%, 100%], rung: {settle: 10s}, on: {fail: rollback}, rollback: {steps: [50%, 0%]}}",
    ],
)
def test_good_policies(body: str) -> None:
    """Both accept what is valid in any notation."""
    assert (reads(HEAD + body), accepts(HEAD + body)) == (True, True)


@pytest.mark.parametrize(
    "body",
    [
        UNKNOWN,
        "preview: {comand: 'serve {port}'}",
        "preview: {command: serve}",
        "preview: {command: 'serve {port}', timeout: 60}",
        "preview: {command: 'serve {port}', ready: healthz}",
        "latency: {arrivals: {poisson: 200}}",
        "latency: {arrivals: {poisson: 2/s, constant: 2/s}}",
        "latency: {arrivals: {spike: {base: 1/s}}}",
        "latency: {slo: {p98: 1s}}",
        "latency: {slo: {errors: 150%x}}",
        "latency: {margins: {p50: 3}}",
        "latency: {margins: {p50: {fail: 1%}}}",
        "latency: {protocol: http/3}",
        "latency: {request: {path: predict}}",
        "latency: {request: {weight: 2}}",
        "latency: {request: {method: FETCH}}",
        "latency: {mix: [{weight: 1}]}",
        "latency: {mix: []}",
        "latency: {connections: many}",
        "latency: [1]",
        "regression: {task: binary}",
        "regression: {task: clustering, key: id}",
        BINARY + ", window: 2d, time: t}",
        BINARY + ", margins: {auc: much}}",
        BINARY + ", slices: a}",
        BINARY + ", datasets: {eu: {baseline: a}}}",
        BINARY + ", metrics: {mine: {direction: higher}}}",
        BINARY + ", metrics: {mine: {sql: '1', direction: upwards}}}",
        BINARY + ", predictions: [a]}",
        "gate: {first-run: pass}",
        "gate: {override: {role: read}}",
        "gate: {windows: [weekdays]}",
        "alerts: {}",
        "revert: {max-per-day: many}",
        "gate: {max-age: week}",
        "promote: {}",
        "promote: {target: {dry-run: {}, command: {set: a, get: b}}}",
        "promote: {target: {router: {}}}",
        PROMOTE + ", on: {fail: ignore}}",
    ],
)
def test_bad_policies(body: str) -> None:
    """Both refuse unknown keys, missing keys, unknown words and malformed quantities."""
    assert (reads(HEAD + body), accepts(HEAD + body)) == (False, False)


@pytest.mark.parametrize("text", ["service: s\n", "version: 1\n", "version: 2\nservice: s\n"])
def test_head(text: str) -> None:
    """Version and service are required."""
    assert (reads(text), accepts(text)) == (False, False)


def keys_of(path: str) -> set[str]:
    """Return the keys that the schema knows at a path of keys."""
    node = SCHEMA
    for part in path.split():
        node = node["items"] if part == "[]" else node["properties"][part]
    return set(node["properties"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", UNKNOWN),
        ("preview", "preview: {%s}"),
        ("latency", "latency: {%s}"),
        ("latency request", "latency: {request: {%s}}"),
        ("latency request expect", "latency: {request: {expect: {%s}}}"),
        ("latency mix []", "latency: {mix: [{path: /, %s}]}"),
        ("latency arrivals replay", "latency: {arrivals: {replay: {file: a, %s}}}"),
        ("latency slo", "latency: {slo: {%s}}"),
        ("latency slo token-gap", "latency: {slo: {token-gap: {%s}}}"),
        ("latency margins", "latency: {margins: {%s}}"),
        ("capacity", "latency: {}\ncapacity: {%s}"),
        ("regression", "regression: {%s}"),
        ("regression drift", BINARY + ", drift: {%s}}"),
        ("regression changed-rows", BINARY + ", changed-rows: {%s}}"),
        ("regression artifacts", BINARY + ", artifacts: {%s}}"),
        ("gate", "gate: {%s}"),
        ("promote", "promote: {%s}"),
        *(
            (f"promote {name}", f"{PROMOTE}, {name}: {{%s}}}}")
            for name in ("rung", "judge", "on", "hold", "lock", "rollback", "observe", "hooks")
        ),
        ("promote target", "promote: {target: {%s}}"),
    ],
)
def test_the_same_keys(path: str, body: str) -> None:
    """The schema has exactly the keys that the reader lists when it refuses an unknown one."""
    with pytest.raises(PolicyError) as caught:
        read_policy(HEAD + body.replace("%s", UNKNOWN))
    assert set(re.findall(r"`([^`]+)`", caught.value.hint)) == keys_of(path)


def test_the_first_line_of_a_policy_names_the_schema() -> None:
    """The address in the starter policy ends with the path of the shipped schema, which is the generated one."""
    first = (ROOT / "src" / "ghmlops" / "starter.yml").read_text(encoding="utf-8").splitlines()[0]
    match = re.fullmatch(r"# yaml-language-server: \$schema=https://\S+/ghmlops/ghmlops/v1/(\S+)", first)
    assert match
    assert json.loads((ROOT / match[1]).read_text(encoding="utf-8")) == SCHEMA
