"""The section `promote` of the policy."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.policy.promote import Promote
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


def test_commands_as_target() -> None:
    """Placeholders stay for the run."""
    section = promote("target: {command: {set: 'r set {arm} {weight}', get: 'r get {arm}', limit: 7}}, compare: pool")
    assert section.target == CommandTarget(set="r set {arm} {weight}", get="r get {arm}", limit=7)


DRY = "target: {dry-run: {}}"


@pytest.mark.parametrize(
    ("section", "fact"),
    [
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
