"""What a hook of a rung runs: its words, and the values that it finds in its environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.policy.promote import Hook

_WITHHELD = re.compile(
    r"GHMLOPS_.*|INPUT_.*|ACTIONS_.*TOKEN|(GITHUB|GH)_TOKEN|GITHUB_(OUTPUT|ENV|PATH|STATE|STEP_SUMMARY)"
)
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


def hook_values(  # noqa: PLR0913  (one argument per value)
    *, moment: str, rung: int, share: float, commit: str, service: str, environment: str
) -> dict[str, str]:
    """Return the values of a hook by name.

    Args:
        moment: `before-rung` or `after-rung`.
        rung: Number of the rung, from 1.
        share: Share of the candidate at the rung.
        commit: Full SHA of the candidate.
        service: Name of the service.
        environment: Name of the environment.
    """
    return {
        "moment": moment,
        "rung": str(rung),
        "share": f"{share:.6g}",
        "commit": commit,
        "service": service,
        "environment": environment,
    }


def hook_words(hook: Hook, values: Mapping[str, str]) -> list[str]:
    """Return program and arguments. Text for bash is not changed: it reads the values from its environment."""
    if hook.run:
        return ["bash", "-euo", "pipefail", "-c", hook.run]
    return [_PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), word) for word in hook.command]


def hook_environment(environ: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a hook: that of the job without our inputs and GitHub's token, and the values.

    A hook is code of the trusted branch and may need credentials of a cluster, but never those of this command.
    """
    own = {name: value for name, value in environ.items() if not _WITHHELD.fullmatch(name)}
    return own | {f"GHMLOPS_{name.upper()}": value for name, value in values.items()}


def hook_name(hook: Hook) -> str:
    """Return the first line of a hook, for a message."""
    return (hook.run.strip().splitlines() or [""])[0][:80] if hook.run else " ".join(hook.command)[:80]
