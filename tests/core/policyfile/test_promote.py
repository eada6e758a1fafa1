"""The section `promote` of the policy."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.model import Direction
from ghmlops.core.policy.promote import Hook, Prometheus, Promote
from ghmlops.core.policy.target import CommandTarget, DryRunTarget, HaproxyTarget
from ghmlops.core.policyfile.document import read_policy

START = "version: 1\nservice: shop\n"


def promote(section: str) -> Promote:
    """Return the section."""
    section_read = read_policy(f"{START}promote: {{{section}}}\n").promote
    assert section_read is not None
    return section_read


def test_defaults() -> None:
    """A target is enough; the ladder of the documentation follows."""
    section = promote("target: {dry-run: }")
    assert section.target == DryRunTarget()
    assert section.ladder == (0.01, 0.05, 0.25, 1.0)
    assert (section.rung.min_requests, section.judge.errors, section.compare) == (500, 0.001, "twin")
    assert (section.on.fail, section.on.inconclusive, section.hold.then) == ("rollback", "hold", "rollback")
    assert read_policy(START).promote is None


def test_every_key() -> None:
    """Durations, shares, reactions and the target of HAProxy."""
    section = promote(
        "target: {haproxy: {socket: /run/h.sock, backend: scorer, candidate: v2, baseline: [a, b], twin: v1t}},"
        "ladder: [5%, 50%, 100%], rung: {min-requests: 10, max-duration: 5m, settle: 3s, bake: 0s},"
        "judge: {errors: 1%, latency: off}, compare: twin,"
        "on: {fail: hold, inconclusive: rollback, low-traffic: rollback}, hold: {max: 1h, then: hold},"
        "rollback: {steps: [50%, 0%], step-duration: 2s, limit: ready-capacity},"
        "capacity: {from: evidence/capacity.json, headroom: 20%}, watch: 10m,"
        "observe: {access-log: log/haproxy.log, format: haproxy}"
    )
    assert section.target == HaproxyTarget(
        socket="/run/h.sock", backend="scorer", candidate=("v2",), baseline=("a", "b"), twin=("v1t",)
    )
    assert section.ladder == (0.05, 0.5, 1.0)
    assert (section.rung.max_duration, section.rung.settle, section.rung.bake) == (300.0, 3.0, 0.0)
    assert (section.judge.errors, section.judge.latency) == (0.01, "off")
    assert (section.rollback.limit, section.capacity.evidence, section.capacity.headroom) == (
        "ready-capacity",
        "evidence/capacity.json",
        0.2,
    )
    assert (section.rollback.steps, section.watch) == ((0.5, 0.0), 600.0)
    assert section.observe.access_log == "log/haproxy.log"


def test_the_header_rung() -> None:
    """A target with a route for requests with a header has one; its length can be set."""
    section = promote(f"{HEADER}, header: {{min-requests: 7, max-duration: 5m}}")
    assert (section.header.min_requests, section.header.max_duration) == (7, 300.0)
    assert promote(HEADER).header.min_requests == 50


def test_commands_as_target() -> None:
    """Placeholders stay for the run."""
    section = promote("target: {command: {set: 'r set {arm} {weight}', get: 'r get {arm}', limit: 7}}, compare: pool")
    assert section.target == CommandTarget(set="r set {arm} {weight}", get="r get {arm}", limit=7)


DRY = "target: {dry-run: {}}"
HEADER = "compare: pool, target: {haproxy: {socket: s, backend: b, candidate: a, baseline: c, header-route: h}}"
METRIC = "name: ctr, prometheus: 'rate({arm})', direction: higher"


def test_hooks_and_metrics() -> None:
    """Text for bash or arguments, what a failure does, and where metrics are read."""
    section = promote(
        f"{DRY}, judge: {{metrics: [{{{METRIC}, margin: 1%, interval: 5s, dry-run: true}}]}},"
        "observe: {access-log: l, prometheus: 'http://127.0.0.1:9090/p/'},"
        "hooks: {before-rung: {run: './warm', timeout: 5s, on-failure: rollback},"
        " after-rung: [{command: [a, '{share}']}, {run: b}]}"
    )
    (metric,) = section.judge.metrics
    assert (metric.direction, metric.margin, metric.limit, metric.interval) == (Direction.HIGHER, 0.01, None, 5.0)
    assert (metric.dry_run, section.observe.prometheus) == (True, Prometheus(url="http://127.0.0.1:9090/p"))
    assert section.hooks.before_rung == (Hook(run="./warm", timeout=5.0, on_failure="rollback"),)
    assert section.hooks.after_rung == (Hook(command=("a", "{share}")), Hook(run="b"))
    server = promote(f"{DRY}, observe: {{prometheus: {{url: 'https://m', token-variable: T}}}}").observe.prometheus
    assert server == Prometheus(url="https://m", token_variable="T")


def test_counters_and_sessions() -> None:
    """Counters of Prometheus in place of a log, and what names the session."""
    counters = "{prometheus: 'http://m', total: 't{arm}', errors: 'e{arm}', interval: 30s}"
    observe = promote(f"{DRY}, observe: {counters}").observe
    assert (observe.total, observe.errors, observe.interval, observe.access_log) == ("t{arm}", "e{arm}", 30.0, "")
    assert promote(f"{DRY}, observe: {{access-log: l, session: cookie}}").observe.session == "cookie"
    assert promote(f"{DRY}, observe: {{access-log: l, format: jsonl, session: user}}").observe.session == "user"


@pytest.mark.parametrize(
    ("section", "fact"),
    [
        (f"{DRY}, observe: {{prometheus: 'http://m', total: 't{{arm}}'}}", "errors"),
        (f"{DRY}, observe: {{total: 't{{arm}}', errors: 'e{{arm}}'}}", "prometheus"),
        (f"{DRY}, observe: {{access-log: l, prometheus: 'http://m', total: 't{{arm}}', errors: 'e{{arm}}'}}", "two"),
        (f"{DRY}, observe: {{prometheus: 'http://m', total: t, errors: 'e{{arm}}'}}", "{arm}"),
        (f"{DRY}, observe: {{access-log: l, session: user}}", "cookie"),
        ("ladder: [1%, 100%]", "target"),
        ("target: {haproxy: {socket: s, backend: b, candidate: a, baseline: c}}", "pool"),
        (f"{DRY}, ladder: [5%, 1%, 100%]", "rise"),
        (f"{DRY}, ladder: [1%, 1%, 100%]", "rise"),
        (f"{DRY}, ladder: [0%, 100%]", "rise"),
        (f"{DRY}, ladder: []", "rise"),
        (f"{DRY}, ladder: [1%, 50%]", "100"),
        (f"{DRY}, ladder: [1%, 150%]", "150%"),
        (f"{DRY}, judge: {{errors: 0%}}", "0.1%"),
        (f"{DRY}, judge: {{errors: 60%}}", "50"),
        (f"{DRY}, rollback: {{steps: [0%, 50%]}}", "fall"),
        (f"{DRY}, rollback: {{steps: [50%]}}", "0 %"),
        (f"{DRY}, rollback: {{limit: ready-capacity}}", "capacity"),
        (f"{DRY}, capacity: {{headroom: 10%}}", "from"),
        (f"{DRY}, capacity: {{from: c.json, headroom: 100%}}", "30%"),
        (f"{DRY}, on: {{fail: ignore}}", "ignore"),
        (f"{DRY}, rung: {{min-request: 5}}", "min-requests"),
        (f"{DRY}, header: {{min-requests: 5}}", "header-route"),
        (f"{HEADER}, observe: {{prometheus: 'http://m', total: 't{{arm}}', errors: 'e{{arm}}'}}", "access-log"),
        (
            "target: {envoy: {admin: localhost, runtime-key-prefix: p, candidate: a, baseline: b}}, compare: pool",
            "port",
        ),
        ("target: {envoy: {admin: 'h:0', runtime-key-prefix: p, candidate: a, baseline: b}}, compare: pool", "port"),
        ("target: {envoy: {admin: 'h:9', runtime-key-prefix: p, candidate: a, baseline: a}}, compare: pool", "twice"),
        (
            "target: {envoy: {admin: 'h:9', runtime-key-prefix: 'a&b=1', candidate: a, baseline: b}}, compare: pool",
            "name",
        ),
        ("target: {nginx: {servers: f, candidate: 'a:1;', baseline: 'b:2'}}, compare: pool", "port"),
        ("target: {nginx: {servers: f, candidate: 'a:1 backup', baseline: 'b:2'}}, compare: pool", "port"),
        ("target: {nginx: {servers: f, candidate: '/../a:1', baseline: 'b:2'}}, compare: pool", "port"),
        ("target: {command: {set: 's {arm} {weight}', get: 'g {arm}', scale: 'x {arm} {replicas}'}}", "ready"),
        (
            "target: {command: {set: 's {arm} {weight}', get: 'g {arm}', ready: 'r {arm}', scale: 'x {arm}'}}",
            "replicas",
        ),
        (
            "target: {command: {set: 's {arm} {weight}', get: 'g {arm}', ready: 'r {arm}', scale: 'x {arm} {replicas}',"
            " twin: true}}",
            "capacity",
        ),
        (f"{DRY}, hooks: {{before-rung: [{{timeout: 5s}}]}}", "run"),
        (f"{DRY}, hooks: {{before-rung: [{{run: a, command: [b]}}]}}", "run"),
        (f"{DRY}, hooks: {{before: [{{run: a}}]}}", "before-rung"),
        (f"{DRY}, hooks: {{after-rung: [{{run: a, on-failure: ignore}}]}}", "ignore"),
        (f"{DRY}, judge: {{metrics: [{{{METRIC}, margin: 1%}}]}}", "observe.prometheus"),
        (f"{DRY}, judge: {{metrics: [{{{METRIC}}}]}}", "margin"),
        (f"{DRY}, judge: {{metrics: [{{{METRIC}, margin: 1%, limit: 2}}]}}", "margin"),
        (f"{DRY}, judge: {{metrics: [{{{METRIC}, margin: 100%}}]}}", "1%"),
        (f"{DRY}, judge: {{metrics: [{{{METRIC}, limit: 1}}, {{{METRIC}, limit: 2}}]}}", "ctr"),
        (f"{DRY}, judge: {{metrics: [{{name: ctr, prometheus: up, direction: higher, limit: 1}}]}}", "{arm}"),
        (f"{DRY}, judge: {{metrics: [{{name: ctr, prometheus: 'a{{arm}}', direction: target, limit: 1}}]}}", "target"),
        (f"{DRY}, judge: {{metrics: [{{name: 'a b', prometheus: 'a{{arm}}', direction: lower, limit: 1}}]}}", "ctr"),
        (f"{DRY}, observe: {{prometheus: localhost:9090}}", "http"),
        (f"{DRY}, observe: {{prometheus: 'http://u:p@h/'}}", "http"),
        (f"{DRY}, observe: {{prometheus: {{url: 'http://h', token-variable: 'a-b'}}}}", "PROMETHEUS_TOKEN"),
    ],
)
def test_bad_sections(section: str, fact: str) -> None:
    """One line with the line of the file and what to write instead."""
    with pytest.raises(PolicyError) as caught:
        promote(section)
    text = f"{caught.value.message} {caught.value.hint}"
    assert fact in text
    assert ".github/ghmlops.yml:3" in text
    assert "\n" not in text
