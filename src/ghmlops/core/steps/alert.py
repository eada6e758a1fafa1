"""An alert: what happened to a deployment, in the form of a webhook and of a Slack message. Pure."""

from __future__ import annotations

import hashlib
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from ghmlops.core.model import Frozen
from ghmlops.core.steps.step import short

SCHEMA = "ghmlops/alert/v1"
Event = Literal["hold", "rollback", "incident", "reverted"]
_TITLES = {
    "hold": "waits for a person",
    "rollback": "was rolled back",
    "incident": "needs attention",
    "reverted": "was reverted",
}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Alert(Frozen, frozen=True, kw_only=True):
    """A report to people about one event.

    Attributes:
        event: What happened.
        command: Command that reports it.
        repository: `owner/name`.
        service: Service of the policy.
        environment: Environment.
        commit: Full SHA of the commit that it is about.
        reason_code: Reason code.
        reason: Reason in one sentence.
        run_url: Address of the run; may be empty.
        time: Time, ISO 8601 (UTC).
    """

    event: Event
    command: str
    repository: str
    service: str
    environment: str
    commit: str
    reason_code: str
    reason: str
    run_url: str = ""
    time: str = ""

    @property
    def id(self) -> str:
        """Id of the event: a repeated delivery has the same one."""
        parts = (self.event, self.command, self.repository, self.service, self.environment, self.commit, self.run_url)
        return hashlib.sha256("\0".join((*parts, self.reason_code)).encode()).hexdigest()[:32]


def webhook_body(alert: Alert) -> dict[str, Any]:
    """Return the alert as a JSON object."""
    fields: dict[str, Any] = msgspec.to_builtins(alert)
    return {"schema": SCHEMA, "id": alert.id, **fields, "reason": short(alert.reason, 1000)}


def slack_body(alert: Alert) -> dict[str, Any]:
    """Return the alert as a message for an incoming webhook of Slack; no text of others is active in it."""
    subject = " ".join(part for part in (alert.service, f"in {alert.environment}" if alert.environment else "") if part)
    title = f"{_slack(subject or alert.repository)}: {alert.commit[:12]} {_TITLES[alert.event]}"
    link = f" <{alert.run_url}|run>" if alert.run_url and not set("<>|") & set(alert.run_url) else ""
    return {
        "text": f"*{title}*\n{_slack(short(alert.reason, 1000))} (`{_slack(alert.reason_code)}`){link}",
        "unfurl_links": False,
    }


def _slack(text: str) -> str:
    """Escape the three characters that Slack's format reserves; mentions and links need them."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def address_problem(address: str, hosts: tuple[str, ...]) -> str:
    """Return why an alert may not be sent to an address; empty if it may. The address itself is not in the text.

    Args:
        address: Address of the webhook, which is a secret.
        hosts: Hosts that the policy allows; `*.example.com` includes all subdomains.
    """
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "is not an address"
    if not host or parts.scheme not in ("https", "http") or not address.isprintable() or " " in address or port == 0:
        return "is not an https address"
    if parts.scheme == "http" and host not in _LOOPBACK:
        return "is not an https address"
    if parts.username or parts.password:
        return "contains a user or password, which belong into its path or a proxy"
    allowed = any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in hosts)
    return "" if allowed else "names a host that `alerts.hosts` of the policy does not list"
