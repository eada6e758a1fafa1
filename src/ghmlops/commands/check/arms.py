"""The two arms of a check: addresses that were given, or services that are started for it and ended after it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ghmlops.commands.check.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy
    from ghmlops.measure.preview import Preview


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """Where the two arms answer; `baseline` is empty where there is none."""

    candidate: str
    baseline: str
    started: Mapping[str, Preview]
    """By arm, what was started here."""


@contextlib.contextmanager
def deployed(policy: Policy, inputs: Inputs, services: Services, base: str, *, swapped: bool = False) -> Iterator[Arms]:
    """Yield both arms' addresses; what is started here is ended here, with its whole process tree.

    The baseline is started from a work tree of the commit `base`, but only beside a candidate that is started here
    too: a service on this machine and one elsewhere cannot be compared. `swapped` starts the arms in the other order.

    Raises:
        PolicyError: neither the policy nor the inputs say where the candidate is.
        ServiceError: a service ended, or was not ready in time.
    """
    from ghmlops.act.git.worktree import worktree
    from ghmlops.measure.preview import running

    preview = policy.preview
    if preview is None and not inputs.url:
        raise PolicyError(
            f"{inputs.policy} has a section `latency` but no `preview`", hint="add `preview:`, or give the input `url`"
        )
    found = {
        "candidate": inputs.url or (preview.url if preview else ""),
        "baseline": inputs.baseline_url or (preview.baseline_url if preview else ""),
    }
    begun: dict[str, Preview] = {}
    with contextlib.ExitStack() as stack:
        folders = {"candidate": services.cwd}
        if not any(found.values()) and base and preview and preview.command:
            other = worktree(services.cwd, base, environ=services.environ, temp=services.context.temp)
            folders["baseline"] = stack.enter_context(other)
        for arm in sorted(folders, reverse=swapped):
            if not found[arm]:
                assert preview is not None  # noqa: S101  (no address was given, so there is a section)
                started = running(
                    preview.command,
                    cwd=folders[arm],
                    environ=services.environ,
                    ready=preview.ready,
                    timeout=preview.timeout,
                    progress=services.console.progress,
                    temp=services.context.temp,
                )
                begun[arm] = stack.enter_context(started)
                found[arm] = begun[arm].url
                services.console.note(f"preview: the {arm} is ready at {found[arm]}")
        yield Arms(**found, started=begun)
