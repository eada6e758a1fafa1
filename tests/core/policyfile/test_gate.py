"""The section `gate` of the policy."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.policyfile.document import read_policy

START = "version: 1\nservice: shop\n"


def test_legs_and_first_run() -> None:
    """Both are read; by default a command has one leg without a name, and a first run warns."""
    gate = read_policy(f"{START}gate: {{legs: {{latency: [eu, us], capacity: x}}, first-run: fail}}\n").gate
    assert (gate.legs, gate.first_run) == ({"latency": ("eu", "us"), "capacity": ("x",)}, "fail")
    gate = read_policy(START).gate
    assert (gate.legs, gate.first_run) == ({}, "warn")


def test_order_and_override() -> None:
    """A single name is the one before the environment of the policy; maintainers override by default."""
    assert read_policy(f"{START}gate: {{environment: live, after: staging}}\n").gate.after == {"live": "staging"}
    gate = read_policy(f"{START}gate: {{after: {{production: staging, staging: dev}}}}\n").gate
    assert (gate.after, gate.override.role) == ({"production": "staging", "staging": "dev"}, "maintain")
    text = "gate: {windows: ['fri-mon 09:00-24:00', 'tue 08:30-12:00'], time-zone: Asia/Tokyo}"
    gate = read_policy(f"{START}{text}\n").gate
    assert [(w.days, w.start, w.end) for w in gate.windows] == [((4, 5, 6, 0), 540, 1440), ((1,), 510, 720)]
    gate = read_policy(f"{START}gate: {{override: {{role: write, teams: [acme/release]}}}}\n").gate
    assert (gate.override.role, gate.override.teams) == ("write", ("acme/release",))


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("legs: {latence: [a]}", "latence"),
        ("legs: {latency: []}", "gate.legs.latency"),
        ("legs: {latency: [a, a]}", "gate.legs.latency"),
        ("legs: {latency: [../a]}", "../a"),
        ("legs: {latency: [confirm]}", "confirm"),
        ("legs: {latency: [eu-replay]}", "eu-replay"),
        ("legs: [latency]", "gate.legs"),
        ("first-run: pass", "pass"),
        ("after: production", "production after production"),
        ("after: {a: b, b: c, c: a}", "a after b after c after a"),
        ("after: []", "gate.after"),
        ("override: {role: read}", "read"),
        ("windows: [weekdays]", "weekdays"),
        ("windows: ['mon 16:00-09:00']", "mon 16:00-09:00"),
        ("windows: ['mon 09:00-24:30']", "mon 09:00-24:30"),
        ("time-zone: Europe/Berln", "Europe/Berln"),
        ("override: {teams: release}", "release"),
    ],
)
def test_what_no_gate_can_require(section: str, expected: str) -> None:
    """Unknown commands, names that are not plain, legs that repeat another one, a first run that passes, a circle."""
    with pytest.raises(PolicyError) as caught:
        read_policy(f"{START}gate: {{{section}}}\n")
    assert expected in str(caught.value)
