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
    started: datetime,
    *,
    seed: int | None = None,
    fingerprints: dict[str, str] | None = None,
) -> Provenance:
    """Return the provenance of a measurement that began at `started` and ends now.

    `fingerprints` are those of the data; those of the code, the environment and the policy are added here.

    Raises:
        InputError: the commit under test is not known.
    """
    context = services.context
    head = commit_under_test(services)
    policy_file = services.cwd / inputs.policy
    tree = checkout.git_read(services.cwd, "rev-parse", "--verify", "--quiet", f"{head}^{{tree}}")
    known = {
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
        started=started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        seconds=round((services.now() - started).total_seconds(), 3),
        seed=seed,
        fingerprints={k: v for k, v in {**known, **(fingerprints or {})}.items() if v},
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
