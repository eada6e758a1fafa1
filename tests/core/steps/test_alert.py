"""Alerts: the bodies for a webhook and for Slack, and the addresses that may receive them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ghmlops.core.steps.alert import Alert, address_problem, slack_body, webhook_body

ALERT = Alert(
    event="hold",
    command="gate",
    repository="acme/shop",
    service="shop",
    environment="production",
    commit="a" * 40,
    reason_code="latency-p99",
    reason="p99 <!channel> & more",
    run_url="https://github.example/acme/shop/actions/runs/42",
    time="2026-11-28T20:00:00+00:00",
)


def test_the_webhook_receives_one_object() -> None:
    """Schema, id and all fields; the id is that of the event, whatever its time."""
    body = webhook_body(ALERT)
    assert (body["schema"], body["event"], body["reason_code"]) == ("ghmlops/alert/v1", "hold", "latency-p99")
    later: Any = msgspec.structs.replace(ALERT, time="2026-11-28T21:00:00+00:00")
    other: Any = msgspec.structs.replace(ALERT, event="rollback")
    assert body["id"] == webhook_body(later)["id"] != webhook_body(other)["id"]


def test_slack_text_mentions_nobody() -> None:
    """The reserved characters of untrusted text are escaped; the link of the run is the only active part."""
    text = slack_body(ALERT)["text"]
    assert "&lt;!channel&gt; &amp; more" in text
    assert text.count("<") == 1
    assert text.endswith("runs/42|run>")
    hostile: Any = msgspec.structs.replace(ALERT, run_url="https://x|y>", reason="r" * 5000)
    assert "<" not in slack_body(hostile)["text"]
    assert len(slack_body(hostile)["text"]) < 1500


HOSTS = ("hooks.slack.com", "*.example.org", "127.0.0.1")
ADDRESSES = [
    ("https://hooks.slack.com/services/T/B/secret", True),
    ("https://HOOKS.slack.com:443/x", True),
    ("https://a.example.org/x", True),
    ("http://127.0.0.1:8080/x", True),
    ("https://example.org/x", False),
    ("https://evilexample.org/x", False),
    ("https://hooks.slack.com.evil.example/x", False),
    ("https://hooks.slack.com@evil.example/x", False),
    ("http://hooks.slack.com/x", False),
    ("ftp://hooks.slack.com/x", False),
    ("hooks.slack.com/x", False),
    ("https://hooks.slack.com/a b", False),
    ("https://hooks.slack.com:99999/", False),
    ("https://[::1", False),
]


@pytest.mark.parametrize(("address", "allowed"), ADDRESSES)
def test_only_hosts_of_the_policy_receive_alerts(address: str, allowed: bool) -> None:
    """By https, or from this machine; what is wrong is named without the address."""
    problem = address_problem(address, HOSTS)
    assert (problem == "") is allowed
    assert "secret" not in problem
    assert address not in problem
    assert address_problem(address, ()) != ""
