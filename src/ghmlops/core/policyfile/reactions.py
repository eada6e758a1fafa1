"""Reads the sections `revert` and `alerts`."""

from __future__ import annotations

from ghmlops.core import quantities
from ghmlops.core.policy.reactions import Alerts, Revert
from ghmlops.core.policyfile.scalars import boolean, host, relative_path, workflow_file
from ghmlops.core.policyfile.yaml_reader import Located, listing, record, scalar


def read_revert(at: Located) -> Revert:
    """Read the section `revert`.

    Raises:
        PolicyError: Names the file, line, key and the nearest valid one.
    """
    readers = {
        "freeze-file": relative_path("repository", ".github/freeze"),
        "max-per-day": scalar(quantities.count),
        "dispatch": workflow_file("deploy.yml"),
        "verified": boolean,
    }
    revert: Revert = record(Revert, readers)(at)
    return revert


def read_alerts(at: Located) -> Alerts:
    """Read the section `alerts`.

    Raises:
        PolicyError: Names the file, line, key and the nearest valid one.
    """
    alerts: Alerts = record(Alerts, {"hosts": listing(host)}, required=("hosts",))(at)
    return alerts
