"""Origin of evidence: the context of the runner, completed by git for a local run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ghmlops import __version__
from ghmlops.commands.shared.input_paths import policy_path
from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.core.errors import InputError, PolicyError
from ghmlops.core.evidence.document import ComparedPart, Provenance
from ghmlops.measure import checkout

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ghmlops.commands.shared.base import Common, Services


def provenance(inputs: Common, services: Services) -> Provenance:
    """Return the provenance of this run: origin, and fingerprints of the code, the environment and the policy.

    Raises:
        InputError: The commit under test is unknown in a workflow run.
    """
    context = services.context
    head = local_commit(services)
    policy_file = policy_path(services, inputs.policy)
    base_policy = services.trusted.policy(services.cwd, inputs.policy) if services.trusted else None
    tree = checkout.git_read(services.cwd, "rev-parse", "--verify", "--quiet", f"{head}^{{tree}}") if head else ""
    fingerprints = {
        "code": f"git:{tree}" if tree else "",
        "environment": checkout.environment_fingerprint(services.cwd),
        "policy": _fingerprint(policy_file),
        "base-policy": checkout.fingerprint(base_policy) if base_policy else _base_policy(inputs, services),
    }
    return Provenance(
        repository=context.repository or checkout.repository_name(services.cwd),
        head_sha=head,
        dirty=bool(head) and checkout.is_dirty(services.cwd),
        base_sha=context.base_sha,
        service=_service(policy_file, inputs.policy),
        run_id=context.run_id,
        run_attempt=context.run_attempt,
        event=context.event_name,
        workflow=context.workflow_path,
        version=__version__,
        fingerprints={name: value for name, value in fingerprints.items() if value},
        parts=_parts(fingerprints, inputs, services),
    )


def _parts(fingerprints: Mapping[str, str], inputs: Common, services: Services) -> list[ComparedPart]:
    """Return what was compared: policy, lock file and machine. The files are read only if they differ."""
    from ghmlops.core.evidence.parts import package_parts, policy_parts
    from ghmlops.measure.machine import machine

    cwd, base = services.cwd, services.context.base_sha
    here = machine()
    parts = [ComparedPart(kind="machine", name="machine", baseline=here if base else "", candidate=here)]
    before, after = fingerprints["base-policy"], fingerprints["policy"]
    if before and after:
        parts.insert(0, ComparedPart(kind="policy", name=inputs.policy, baseline=before, candidate=after))
        if before != after:
            trusted = services.trusted.policy(cwd, inputs.policy) if services.trusted else None
            path = os.path.relpath(cwd / inputs.policy, cwd)
            old = _read(trusted) if trusted else _content(cwd, base, path) or ""
            parts += policy_parts(old, _read(policy_path(services, inputs.policy)))
    name = checkout.lock_file(cwd) if base else ""
    if name and (content := _content(cwd, base, name)) is not None:
        before = checkout.fingerprint_of(content)
        parts.append(
            ComparedPart(kind="environment", name=name, baseline=before, candidate=fingerprints["environment"])
        )
        if before != fingerprints["environment"]:
            parts += package_parts(name, content, _read(cwd / name))
    return parts


def _content(cwd: Path, commit: str, path: str) -> str | None:
    """Return the text of a file of a commit; `None` if there is none, or if it is too long to be compared."""
    try:
        return checkout.content_at(cwd, commit, path)
    except checkout.OutputTooLarge:
        return None


def _read(file: Path) -> str:
    """Return the text of a file; empty if it cannot be read, about which the command reports."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _service(policy_file: Path, name: str) -> str:
    """Return the service of the policy; empty without a valid policy, about which the command reports."""
    try:
        return load_policy(policy_file, name).service
    except PolicyError:
        return ""


def _fingerprint(policy_file: Path) -> str:
    """Return the fingerprint of the policy; empty if it cannot be read, about which the command reports."""
    try:
        return checkout.fingerprint(policy_file) if policy_file.is_file() else ""
    except OSError:
        return ""


def _base_policy(inputs: Common, services: Services) -> str:
    """Return the fingerprint of the policy at the baseline's commit; empty without one."""
    base = services.context.base_sha
    if not base:
        return ""
    path = os.path.relpath(services.cwd / inputs.policy, services.cwd)
    return checkout.fingerprint_at(services.cwd, base, path)


def commit_under_test(services: Services) -> str:
    """Return the full SHA of the commit under test.

    Raises:
        InputError: Neither the runner nor git provides it.
    """
    head = services.context.head_sha or checkout.head_sha(services.cwd)
    if not head:
        raise InputError(
            "the commit under test is unknown", hint="run inside a git checkout, or set GITHUB_SHA to a full SHA"
        )
    return head


def local_commit(services: Services) -> str:
    """Return the full SHA of the commit under test; empty for a run on a machine without a checkout or a commit.

    Raises:
        InputError: The commit is unknown in a workflow run, which always has one.
    """
    if services.context.in_actions:
        return commit_under_test(services)
    return services.context.head_sha or checkout.head_sha(services.cwd)
