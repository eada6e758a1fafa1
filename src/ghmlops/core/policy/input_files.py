"""The files by which a change is judged: baselines, labels, noise, payloads, recordings, certificate authorities."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghmlops.core.policy.document import Policy

ROLES = ("baseline", "labels", "noise")


def is_local(spec: str) -> bool:
    """Return whether the specification of an artifact names files on this machine."""
    return bool(spec) and not spec.startswith("artifact:") and "://" not in spec


def covers(name: str, path: str) -> bool:
    """Return whether a name is the path, a folder of it, or a pattern; an asterisk covers any folders, too."""
    return path == name or path.startswith(f"{name.rstrip('/')}/") or fnmatch.fnmatchcase(path, name)


def input_files(policy: Policy) -> dict[str, str]:
    """Return the role of each file, folder or pattern that a policy judges by, without the candidate.

    A baseline that is also the candidate, as that file of the baseline's commit, is what a change is about.
    """
    files: dict[str, str] = {}
    if latency := policy.latency:
        names = [latency.payloads, *(endpoint.payloads for endpoint in latency.endpoints)]
        files |= dict.fromkeys(filter(None, names), "payloads")
        files |= {latency.ca_file: "ca-file"} if latency.ca_file else {}
        files |= {latency.arrivals.trace.file: "recording"} if latency.arrivals.trace else {}
    if synthetic := policy.synthetic:
        files |= {synthetic.payloads: "payloads"} if synthetic.payloads else {}
        files |= dict.fromkeys(synthetic.cases, "cases")
        files |= {synthetic.schemathesis.schema: "description"} if synthetic.schemathesis else {}
    if policy.preview and policy.preview.ca_file:
        files[policy.preview.ca_file] = "ca-file"
    if (shadow := policy.shadow) and not shadow.access_logs:
        files[shadow.requests or shadow.har] = "recording"
    for dataset in policy.regression.datasets if policy.regression else ():
        for role in ROLES:
            specs = [spec for spec in getattr(dataset, role) if role != "baseline" or spec not in dataset.candidate]
            files |= dict.fromkeys(filter(is_local, specs), role)
    return files
