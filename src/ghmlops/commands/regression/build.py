"""One build of the commit that is checked out, in a fresh folder: what it left, and what it wrote elsewhere."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.artifacts.spec import LocalSpec
    from ghmlops.core.policy.regression import Regression
    from ghmlops.measure.builds.outputs import BuiltFiles
    from ghmlops.measure.builds.run import Ended

COUNTED = ("first", "second")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is built, and what of it is compared."""

    words: list[str]
    commit: str
    prefix: str
    """Working directory below the root of the repository; empty for the root."""
    specs: dict[str, tuple[LocalSpec, ...]]
    """Data set to its candidate artifact."""
    policy: Regression
    memory: int


@dataclass(slots=True)
class Build:
    """What one build left."""

    ended: Ended
    files: dict[str, BuiltFiles] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """Why it cannot be compared, in clauses."""
    outside: list[str] = field(default_factory=list)
    """What it wrote outside of its folder."""


def build_once(wanted: Wanted, services: Services, stack: contextlib.ExitStack) -> Build:
    """Build once in a fresh folder, which stays until the artifacts are compared."""
    from ghmlops.act.git.worktree import worktree
    from ghmlops.measure.builds.outputs import snapshot
    from ghmlops.measure.builds.run import run_build

    fresh = worktree(services.cwd, wanted.commit, environ=services.environ, temp=services.context.temp)
    root = stack.enter_context(fresh).resolve()
    folder = root / wanted.prefix
    every = tuple(spec for specs in wanted.specs.values() for spec in specs)
    before = {name: _seen(specs, folder) for name, specs in wanted.specs.items()}
    elsewhere = snapshot(services.cwd, every)
    ended = run_build(
        wanted.words,
        cwd=folder,
        environ=services.environ,
        temp=services.context.temp,
        progress=services.console.progress,
    )
    after = snapshot(services.cwd, every)
    build = Build(ended=ended)
    build.outside += sorted(name for name, seen in after.items() if elsewhere.get(name) != seen)
    build.outside += sorted(f"../{path.name}" for path in root.parent.iterdir() if path != root)
    if ended.problem:
        said = f"; the end of its output: {ended.tail}" if ended.tail else ", and wrote no output"
        build.problems.append(f"`{wanted.words[0]}` {ended.problem}{said}")
        return build
    for name, specs in wanted.specs.items():
        _collect(build, name, specs, folder, before[name])
    return build


def _seen(specs: tuple[LocalSpec, ...], folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return what of the artifact the commit itself holds."""
    from ghmlops.measure.builds.outputs import files_of

    with contextlib.suppress(DataError):  # not there yet, as it should be
        return files_of(specs, folder).seen
    return {}


def _collect(
    build: Build, name: str, specs: tuple[LocalSpec, ...], folder: Path, before: dict[str, tuple[int, int, int]]
) -> None:
    from ghmlops.measure.builds.outputs import files_of

    try:
        found = files_of(specs, folder)
    except DataError as error:
        instead = f"; it wrote outside of its folder instead: {', '.join(build.outside[:3])}" if build.outside else ""
        build.problems.append(f"the build succeeded, but left no artifact: {error.message}{instead}")
        return
    if found.seen == before:
        build.problems.append(
            f"the build succeeded, but did not write {specs[0].text}: what is there is the commit's own file"
        )
        return
    build.files[name] = found


def check_first(build: Build) -> None:
    """Refuse to go on where the first build leaves nothing to compare.

    Raises:
        InputError: it failed.
        DataError: it left no artifact.
    """
    if not build.problems:
        return
    problem = build.problems[0]
    if build.ended.problem:
        raise InputError(
            f"--rebuild: the first build failed: {problem}",
            hint="run it by hand in a fresh clone (git clone . /tmp/fresh)",
            reason_code="build-failed",
        )
    raise DataError(
        f"--rebuild: {problem}",
        hint="the command must write the policy's candidate, by a path from the folder that it runs in",
        reason_code="build-left-nothing",
    )
