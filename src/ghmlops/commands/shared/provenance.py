"""Origin of evidence: the context of the runner, completed by git for a local run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops import __version__
from ghmlops.core.errors import InputError
from ghmlops.core.evidence.document import Provenance
from ghmlops.measure import checkout

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Common, Services


def provenance(inputs: Common, services: Services) -> Provenance:
    """Return the provenance of this run: origin, and fingerprints of the code, the environment and the policy.

    Raises:
        InputError: The commit under test is unknown.
    """
    context = services.context
    head = commit_under_test(services)
    policy_file = services.cwd / inputs.policy
    tree = checkout.git_read(services.cwd, "rev-parse", "--verify", "--quiet", f"{head}^{{tree}}")
    fingerprints = {
        "code": f"git:{tree}" if tree else "",
        "environment": checkout.environment_fingerprint(services.cwd),
        "policy": checkout.fingerprint(policy_file) if policy_file.is_file() else "",
    }
    return Provenance(
        repository=context.repository or checkout.repository_name(services.cwd),
        head_sha=head,
        base_sha=context.base_sha,
        run_id=context.run_id,
        run_attempt=context.run_attempt,
        version=__version__,
        fingerprints={name: value for name, value in fingerprints.items() if value},
    )


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
