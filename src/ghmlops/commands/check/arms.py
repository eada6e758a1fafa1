"""The two arms of a check: addresses from the inputs, or services that are started for it and terminated afterwards."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ghmlops.commands.check.job import Job
    from ghmlops.measure.preview import Preview


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """Addresses of the two arms.

    Attributes:
        candidate: address of the candidate.
        baseline: address of the baseline; empty without a baseline.
        started: the services that were started here, by arm.
    """

    candidate: str
    baseline: str
    started: Mapping[str, Preview]


@contextlib.contextmanager
def deployed(job: Job, *, baseline: bool = True, swapped: bool = False) -> Iterator[Arms]:
    """Yield the addresses of both arms; services that are started here are terminated on exit, with their processes.

    The baseline is started from a work tree of the commit `job.base`, but only together with a candidate that is
    started here: a service on this machine and a remote one cannot be compared. The policy of the same commit defines
    how it is started, so that a change cannot slow its baseline down.

    Args:
        job: the run of `check`.
        baseline: whether a baseline is started.
        swapped: whether the arms are started in the opposite order.

    Raises:
        PolicyError: Neither the policy nor the inputs define the candidate's address.
        ServiceError: A service ended, or was not ready in time.
    """
    from ghmlops.act.git.worktree import worktree
    from ghmlops.measure.preview import running

    inputs, services, preview = job.inputs, job.services, job.head_policy.preview
    previews = {"candidate": preview, "baseline": (job.base_policy.preview if job.base_policy else None) or preview}
    if preview is None and not inputs.url:
        raise PolicyError(
            f"{inputs.policy} measures a service but has no section `preview`",
            hint="add `preview:`, or pass the input `url`",
        )
    addresses = {
        "candidate": inputs.url or (preview.url if preview else ""),
        "baseline": inputs.baseline_url or (previews["baseline"].baseline_url if previews["baseline"] else ""),
    }
    started: dict[str, Preview] = {}
    with contextlib.ExitStack() as stack:
        folders = {"candidate": services.cwd}
        if baseline and job.base and not any(addresses.values()) and preview and preview.command:
            tree = worktree(services.cwd, job.base, environ=services.environ, temp=services.context.temp)
            folders["baseline"] = stack.enter_context(tree)
        for arm in sorted(folders, reverse=swapped):
            if not addresses[arm]:
                section = previews[arm]
                assert section is not None  # noqa: S101  (without an address there is a section)
                service = running(
                    section.command,
                    cwd=folders[arm],
                    environ=services.environ,
                    ready=section.ready,
                    timeout=section.timeout,
                    progress=services.console.progress,
                    temp=services.context.temp,
                )
                started[arm] = stack.enter_context(service)
                addresses[arm] = started[arm].url
                services.console.note(f"preview: the {arm} is ready at {addresses[arm]}")
        yield Arms(**addresses, started=started)
