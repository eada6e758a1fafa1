"""Reads `promote.hooks`: commands before and after each rung."""

from __future__ import annotations

from typing import get_args

from ghmlops.core.policy.promote import Hook, Hooks, Reaction
from ghmlops.core.policyfile.scalars import SECONDS
from ghmlops.core.policyfile.yaml_reader import Located, listing, one_of, record, text

_HOOK = record(
    Hook,
    {"run": text, "command": listing(text), "timeout": SECONDS, "on-failure": one_of(*get_args(Reaction))},
)


def _hook(at: Located) -> Hook:
    """Read one hook: text for bash, or a list of arguments.

    Raises:
        PolicyError: It has both or neither.
    """
    hook: Hook = _HOOK(at)
    if bool(hook.run) == bool(hook.command):
        raise at.error("a hook needs either `run` or `command`", 'for example `run: ./warm "$GHMLOPS_RUNG"`')
    return hook


read_hooks = record(Hooks, {"before-rung": listing(_hook), "after-rung": listing(_hook)})
"""Reads the value `hooks`."""
