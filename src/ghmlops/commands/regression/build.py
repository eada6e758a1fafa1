"""One build of the checked-out commit in a fresh folder: its artifacts, and the files it wrote elsewhere."""

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
    from ghmlops.measure.builds.run import BuildResult

BUILDS = ("first", "second")
MAX_NAMED = 3
"""Files outside the folder that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildJob:
    """Everything that two builds need.

    Attributes:
        words: the build command, split into words.
        commit: full SHA of the commit.
        folder: working directory below the root of the repository; empty for the root.
        specs: data set to its candidate artifact.
        policy: section `regression` of the policy.
        memory: memory limit of the comparison in bytes.
    """

    words: list[str]
    commit: str
    folder: str
    specs: dict[str, tuple[LocalSpec, ...]]
    policy: Regression
    memory: int


@dataclass(slots=True)
class Build:
    """Result of one build.

    Attributes:
        result: result of the build command.
        files: data set to the files of its artifact.
        problems: why the build cannot be compared, as clauses.
        outside: files outside its folder that changed while it ran.
    """

    result: BuildResult
    files: dict[str, BuiltFiles] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


def build_once(job: RebuildJob, services: Services, stack: contextlib.ExitStack) -> Build:
    """Build once in a fresh folder, which `stack` removes after the comparison."""
    from ghmlops.act.git.worktree import worktree
    from ghmlops.measure.builds.outputs import snapshot
    from ghmlops.measure.builds.run import run_build

    checkout = worktree(services.cwd, job.commit, environ=services.environ, temp=services.context.temp)
    root = stack.enter_context(checkout).resolve()
    folder = root / job.folder
    all_specs = tuple(spec for specs in job.specs.values() for spec in specs)
    committed = {name: _file_states(specs, folder) for name, specs in job.specs.items()}
    outside_before = snapshot(services.cwd, all_specs)
    result = run_build(
        job.words,
        cwd=folder,
        environ=services.environ,
        temp=services.context.temp,
        progress=services.console.progress,
    )
    outside_after = snapshot(services.cwd, all_specs)
    build = Build(result=result)
    build.outside += sorted(name for name, state in outside_after.items() if outside_before.get(name) != state)
    build.outside += sorted(f"../{path.name}" for path in root.parent.iterdir() if path != root)
    if result.problem:
        output = f"; the end of its output: {result.tail}" if result.tail else ", and wrote no output"
        build.problems.append(f"`{job.words[0]}` {result.problem}{output}")
        return build
    for name, specs in job.specs.items():
        _collect_files(build, name, specs, folder, committed[name])
    return build


def _file_states(specs: tuple[LocalSpec, ...], folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return the state of the artifact's files that are part of the commit."""
    from ghmlops.measure.builds.outputs import files_of

    with contextlib.suppress(DataError):  # usually there are none before the build
        return files_of(specs, folder).states
    return {}


def _collect_files(
    build: Build, name: str, specs: tuple[LocalSpec, ...], folder: Path, committed: dict[str, tuple[int, int, int]]
) -> None:
    from ghmlops.measure.builds.outputs import files_of

    try:
        files = files_of(specs, folder)
    except DataError as error:
        outside = ", ".join(build.outside[:MAX_NAMED])
        instead = f"; it wrote outside of its folder instead: {outside}" if outside else ""
        build.problems.append(f"the build succeeded, but left no artifact: {error.message}{instead}")
        return
    if files.states == committed:
        build.problems.append(
            f"the build succeeded, but did not write {specs[0].text}: the file there is part of the commit"
        )
        return
    build.files[name] = files


def check_first_build(build: Build) -> None:
    """Check that the first build left artifacts to compare.

    Raises:
        InputError: The build failed.
        DataError: It left no artifact.
    """
    if not build.problems:
        return
    problem = build.problems[0]
    if build.result.problem:
        raise InputError(
            f"--rebuild: the first build failed: {problem}",
            hint="run it by hand in a fresh clone (git clone . /tmp/fresh)",
            reason_code="build-failed",
        )
    raise DataError(
        f"--rebuild: {problem}",
        hint="the command must write the policy's candidate, to a path relative to the folder in which it runs",
        reason_code="build-left-nothing",
    )
