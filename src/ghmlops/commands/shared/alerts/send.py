"""Checks the addresses of alerts before a command acts, and sends an alert after it did."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ghmlops.core.errors import InputError, ServiceError
from ghmlops.core.steps.alert import Alert, address_problem, slack_body, webhook_body

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services, WithAlerts
    from ghmlops.core.policy.document import Policy


def check_alerts(inputs: WithAlerts, policy: Policy) -> None:
    """Check the addresses of the alerts.

    Raises:
        InputError: An address is malformed, or its host is not in `alerts.hosts`; the message does not contain it.
    """
    hosts = policy.alerts.hosts if policy.alerts else ()
    for name, address in (("alert-webhook", inputs.alert_webhook), ("alert-slack", inputs.alert_slack)):
        if address and (problem := address_problem(address.strip(), hosts)):
            raise InputError(
                f"input `{name}`: the address {problem}",
                hint="list the host in the trusted policy, for example `alerts: {hosts: [hooks.slack.com]}`",
            )


def send_alert(alert: Alert, inputs: WithAlerts, services: Services) -> None:
    """Send an alert to the addresses of the inputs. What happened is recorded already, so a failure is a note.

    Args:
        alert: The alert.
        inputs: Inputs of the command, whose addresses were checked by `check_alerts`.
        services: Services of the command.
    """
    from ghmlops.act.alerts import deliver

    bodies = (
        ("alert-webhook", inputs.alert_webhook, webhook_body(alert)),
        ("alert-slack", inputs.alert_slack, slack_body(alert)),
    )
    for name, address, body in bodies:
        if not address or inputs.dry_run:
            continue
        try:
            deliver(address.strip(), body, alert.id, sleep=time.sleep)
            services.console.note(f"an alert was sent to the address of `{name}`: {alert.event}")
        except ServiceError as error:
            services.console.note(f"the alert of `{name}` was not delivered: {error.message}")
