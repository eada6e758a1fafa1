"""Where evidence comes from: the runner's context, completed by git where a person runs the command locally."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops import __version__
from ghmlops.core.errors import InputError
from ghmlops.core.evidence.document import Provenance
from ghmlops.measure import checkout

if TYPE_CHECKING:
    from datetime import datetime

    from ghmlops.commands.shared.base import Common, Services


def provenance(
    inputs: Common,
    services: Services,
    started: datetime | None = None,
    *,
    seed: int | None = None,
    fingerprints: dict[str, str] | None = None,
) -> Provenance:
    """Return the provenance of this run: origin, and fingerprints of the code, the environment and the policy.

    Raises:
        InputError: The commit under test is unknown.
    """
    context = services.context
    head = commit_under_test(services)
    policy_file = services.cwd / inputs.policy
    tree = checkout.git_read(services.cwd, "rev-parse", "--verify", "--quiet", f"{head}^{{tree}}")
    prints = {
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
        fingerprints={name: value for name, value in {**prints, **(fingerprints or {})}.items() if value},
        seed=seed,
        started=started.isoformat(timespec="seconds").replace("+00:00", "Z") if started else "",
        seconds=round((services.now() - started).total_seconds(), 3) if started else None,
    )


def commit_under_test(services: Services) -> str:
    """Return the full SHA of the commit under test.

    Raises:
        InputError: neither the runner nor git knows it.
    """
    head = services.context.head_sha or checkout.head_sha(services.cwd)
    if not head:
        raise InputError(
            "the commit under test is not known", hint="run inside a git checkout, or set GITHUB_SHA to a full SHA"
        )
    return head
