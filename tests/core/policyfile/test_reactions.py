"""The sections `revert` and `alerts` of the policy."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.policyfile.document import read_policy

START = "version: 1\nservice: shop\n"


def test_defaults_and_values() -> None:
    """Without the sections nothing is limited, nothing is started, and no alert is sent anywhere."""
    policy = read_policy(START)
    assert (policy.revert.freeze_file, policy.revert.max_per_day, policy.revert.dispatch) == ("", 0, "")
    assert policy.alerts is None
    policy = read_policy(f"{START}revert: {{freeze-file: .github/freeze, max-per-day: 2, dispatch: deploy.yml}}\n")
    assert (policy.revert.freeze_file, policy.revert.max_per_day, policy.revert.dispatch) == (
        ".github/freeze",
        2,
        "deploy.yml",
    )
    alerts = read_policy(f"{START}alerts: {{hosts: [Hooks.Slack.com, '*.example.org']}}\n").alerts
    assert alerts is not None
    assert alerts.hosts == ("hooks.slack.com", "*.example.org")


@pytest.mark.parametrize(
    "section",
    [
        "revert: {freeze-file: /etc/freeze}",
        "revert: {freeze-file: ../freeze}",
        "revert: {max-per-day: -1}",
        "revert: {dispatch: .github/workflows/deploy.yml}",
        "revert: {dispatch: deploy}",
        "revert: {frozen: x}",
        "alerts: {}",
        "alerts: {hosts: ['https://hooks.slack.com/services']}",
    ],
)
def test_malformed_sections(section: str) -> None:
    """Paths outside of the repository, names that are no workflow, hosts with a scheme, and unknown keys."""
    with pytest.raises(PolicyError):
        read_policy(f"{START}{section}\n")
