"""Reads the sections `revert` and `alerts`."""

from __future__ import annotations

import re

from ghmlops.core import quantities
from ghmlops.core.policy.reactions import Alerts, Revert
from ghmlops.core.policyfile.scalars import boolean, host
from ghmlops.core.policyfile.yaml_reader import Located, listing, record, scalar, text

_WORKFLOW = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\.ya?ml")


def read_revert(at: Located) -> Revert:
    """Read the section `revert`.

    Raises:
        PolicyError: Names the file, line, key and the nearest valid one.
    """
    readers = {
        "freeze-file": _path,
        "max-per-day": scalar(quantities.count),
        "dispatch": _workflow,
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


def _path(at: Located) -> str:
    path = text(at)
    if path.startswith("/") or "\\" in path or any(part in ("", ".", "..") for part in path.split("/")):
        raise at.error(f'expected a path below the repository, got "{path[:80]}"', "for example `.github/freeze`")
    return path


def _workflow(at: Located) -> str:
    name = text(at)
    if not _WORKFLOW.fullmatch(name):
        raise at.error(f'expected the file name of a workflow, got "{name[:80]}"', "for example `deploy.yml`")
    return name
