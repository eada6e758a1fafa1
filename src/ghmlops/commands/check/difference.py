"""Whether the two arms of a check run different code; a candidate that is compared with itself always passes."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.measure.builds.import_path import digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ghmlops.commands.check.arms import Arms
    from ghmlops.commands.check.job import Job
    from ghmlops.measure.builds.import_path import LoadedCode

DOCS = "actions/check/README.md#two-arms"
ENGINES = ("docker", "podman", "nerdctl", "kubectl", "ssh")
"""Programs whose service does not run from the work tree."""
_MAX_NAMES = 6


def arm_findings(job: Job, arms: Arms) -> list[Finding]:
    """Return what is known about the code of the arms: absent, different, the same, or unknown."""
    if arms.absent:
        reason = (
            f"{arms.absent[:1].upper()}{arms.absent[1:]}. Its policy describes no service, so that this change adds "
        )
        reason += "it: the candidate is judged by its objectives alone."
        return [_finding("baseline-absent", Outcome.WARN, reason)]
    if len(arms.built) < 2:
        return []
    baseline, candidate = arms.built["baseline"], arms.built["candidate"]
    section = job.head_policy.preview
    if section and "{sha}" not in section.command and not section.build and _is_remote(section.command):
        reason = "The command starts no program of the work tree and has no `{sha}`, so that both arms may be the same."
        return [_finding("arms-unproven", Outcome.WARN, reason)]
    if baseline.code is None or candidate.code is None:
        return []
    return list(_compare(baseline.code, candidate.code))


def _compare(baseline: LoadedCode, candidate: LoadedCode) -> Iterator[Finding]:
    """Yield one finding on the packages that the change alters; none if it alters no package."""
    names = sorted(baseline.sources.keys() & candidate.sources.keys())
    changed = [name for name in names if digest(baseline.sources[name]) != digest(candidate.sources[name])]
    if not changed:
        return
    located = [name for name in changed if name in baseline.loaded and name in candidate.loaded]
    alike = [name for name in located if _same(baseline.loaded[name], candidate.loaded[name])]
    if alike:
        reason = f"The change alters {_listed(alike)}, and both arms import the same {_places(baseline, alike)}: "
        reason += "build each arm by `preview.build`, for example `pip install .`."
        yield _finding("arms-alike", Outcome.INCONCLUSIVE, reason, len(alike))
    elif len(located) < len(changed):
        unknown = [name for name in changed if name not in located]
        reason = f"Whether both arms import their own {_listed(unknown)} is unknown: Python does not find it."
        yield _finding("arms-unproven", Outcome.WARN, reason, len(unknown))
    else:
        reason = f"Each arm imports its own {_listed(changed)}, which the change alters."
        yield _finding("arms-differ", Outcome.PASS, reason, len(changed))


def _same(baseline: Path, candidate: Path) -> bool:
    return baseline == candidate or digest(baseline) == digest(candidate)


def _places(code: LoadedCode, names: list[str]) -> str:
    return "files" if len(names) > 1 else f"files ({code.loaded[names[0]].parent.name}/{code.loaded[names[0]].name})"


def _listed(names: list[str]) -> str:
    more = len(names) - _MAX_NAMES
    return ", ".join(names[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _is_remote(command: str) -> bool:
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    return bool(words) and words[0].rpartition("/")[2] in ENGINES


def _finding(name: str, outcome: Outcome, reason: str, n: int | None = None) -> Finding:
    return Finding(
        id=name,
        metric="arms",
        description="The baseline runs the code of its commit, and the candidate that of the change.",
        outcome=outcome,
        reason=reason,
        docs=DOCS,
        n=n,
    )
