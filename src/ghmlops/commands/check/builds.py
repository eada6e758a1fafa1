"""Work tree, environment and predictions of each arm: made once for all that a run of `check` measures."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.core.errors import InputError, ServiceError
from ghmlops.core.quantities import format_duration
from ghmlops.core.text.placeholders import VARIABLES, shell_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.preview import Preview
    from ghmlops.measure.builds.import_path import LoadedCode

PREFIX = "ghmlops-arm-"
PREDICTIONS = "PREDICTIONS"
"""Environment variable with the path to which an arm writes its predictions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltArm:
    """An arm, ready to be started.

    Attributes:
        sha: full SHA of its commit; empty if it is unknown.
        cwd: working directory of its service.
        environ: environment of its service.
        code: what it imports; `None` if it is not known.
        key: key of the build, by work tree and lock file; empty without a build.
    """

    sha: str
    cwd: Path
    environ: Mapping[str, str]
    code: LoadedCode | None
    key: str = ""


@dataclass(slots=True, kw_only=True)
class ArmBuilds:
    """The arms of a run, each built at its first deployment; work trees and environments are removed at the end.

    Attributes:
        services: services of `check`.
        base: full SHA of the baseline's commit; empty without one.
        evidence_dir: folder that receives the output of the builds.
        build_cache: folder that keeps builds of the baseline; empty for none.
        build_digest: digest of the only build in it that may be used; `None`: its content is not verified.
    """

    services: Services
    base: str
    evidence_dir: str
    build_cache: str
    build_digest: str | None = None
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _arms: dict[tuple[str, str], BuiltArm] = field(default_factory=dict)
    _predictions: dict[tuple[str, str, str], Path] = field(default_factory=dict)

    def __enter__(self) -> ArmBuilds:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def arm(self, name: str, section: Preview) -> BuiltArm:
        """Return an arm; the first time, build it by the section of the policy that applies to it.

        Raises:
            GitError: The commit of the baseline cannot be checked out.
            InputError: Its environment cannot be created.
            ServiceError: The build failed.
        """
        key = (name, section.build)
        if key not in self._arms:
            self._arms[key] = self._create(name, section)
        return self._arms[key]

    def predictions(self, name: str, section: Preview, text: str, limit: float, datasets: Sequence[str] = ()) -> Path:
        """Return the predictions of an arm; the first time, run the shell text that makes them.

        Both arms receive the same variables, apart from commit, folder and path.

        Args:
            name: `baseline` or `candidate`.
            section: section of the policy by which the arm is built.
            text: `regression.predict` of the policy.
            limit: time limit in seconds.
            datasets: names of the data sets, if it makes several: each is a file `NAME.parquet` of a folder.

        Raises:
            GitError: The commit of the baseline cannot be checked out.
            InputError: Its environment cannot be created.
            ServiceError: The build or the text failed, or wrote nothing.
        """
        key = (name, section.build, text)
        if key not in self._predictions:
            arm = self.arm(name, section)
            path = self._folder() / (name if datasets else f"{name}.parquet")
            if datasets:
                path.mkdir()
            values = {VARIABLES["sha"]: arm.sha, VARIABLES["workdir"]: str(arm.cwd), PREDICTIONS: str(path)}
            environ = {"PYTHONHASHSEED": "0"} | dict(arm.environ) | values
            self._run(f"predict-{name}", f"`predict` of the {name}", text, arm.cwd, environ, limit)
            for file in [f"/{dataset}.parquet" for dataset in datasets] or [""]:
                if not Path(f"{path}{file}").exists():
                    raise ServiceError(
                        f"`predict` of the {name} wrote no file to ${PREDICTIONS}{file}",
                        hint=f'write there, for example: python predict.py --out "${PREDICTIONS}{file}"',
                        reason_code="predict-failed",
                    )
            self._predictions[key] = path
        return self._predictions[key]

    def _create(self, name: str, section: Preview) -> BuiltArm:
        from ghmlops.measure.builds.environment import create_environment
        from ghmlops.measure.builds.import_path import ArmPlace, own_code
        from ghmlops.measure.checkout import git_read, top_folder

        services = self.services
        cwd = services.cwd.resolve()
        top = top_folder(cwd) or cwd
        sha = self.base if name == "baseline" else services.context.head_sha or git_read(cwd, "rev-parse", "HEAD")
        cached = name == "baseline" and bool(self.build_cache)
        key = self._key(cwd, sha, section.build, cached=cached) if section.build else ""
        place = self.place(key) if key and cached else None
        complete = place is not None and self._is_usable(place)
        tree = top
        if name == "baseline":
            tree = self._base_tree(place, complete=complete)
        folder = tree / cwd.relative_to(top)
        environ, home = services.environ, None
        if section.build:
            home = (place or self._folder()) / "environment"
            values = {VARIABLES["sha"]: sha, VARIABLES["workdir"]: str(folder)}
            if complete:
                environ = _activated(services.environ, home)
            else:
                environ = create_environment(home, services.environ)
                self._build(name, section, folder, environ | values)
                if place is not None:
                    (place / "complete").write_text(key, encoding="utf-8")
            state = "was restored from the cache" if complete else "is built"
            services.console.note(f"preview: the {name} {state}; its key is {key}")
            environ = environ | values
        arm = ArmPlace(tree=tree.resolve(), cwd=folder.resolve(), top=top.resolve(), home=home)
        code = own_code(arm, environ, services.environ)
        return BuiltArm(sha=sha, cwd=folder, environ=code.environ, code=code, key=key)

    def _base_tree(self, place: Path | None, *, complete: bool) -> Path:
        """Return a work tree of the baseline's commit; a cached one has a fixed place, which installations name."""
        from ghmlops.act.git.worktree import worktree

        services = self.services
        if place is not None and complete:
            return place / "tree"
        tree = worktree(services.cwd, self.base, environ=services.environ, temp=services.context.temp)
        if place is None:
            return self._stack.enter_context(tree).resolve()
        with tree as root:
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(root, place / "tree", symlinks=True, ignore=shutil.ignore_patterns(".git"))
        return place / "tree"

    def place(self, key: str) -> Path:
        """Return the folder of a cached build."""
        return (self.services.cwd / self.build_cache / key).resolve()

    def _key(self, cwd: Path, sha: str, build: str, *, cached: bool) -> str:
        """Return the key of a build; of one that is kept, it also depends on this machine."""
        from ghmlops.measure.builds.keys import commit_key, machine_key

        key = commit_key(cwd, sha, build)
        folder = (self.services.cwd / self.build_cache).resolve()
        return machine_key(key, folder, self.services.environ) if key and cached else key

    def _is_usable(self, place: Path) -> bool:
        """Return whether a build in the cache is complete, and what the job before says that it is."""
        from ghmlops.measure.builds.keys import folder_digest

        if not (place / "complete").is_file():
            return False
        try:
            usable = self.build_digest is None or folder_digest(place) == self.build_digest
        except OSError:
            usable = False
        if not usable:
            self.services.console.note(
                "preview: a cached build of the baseline is not used: it is not the one that the default branch saved"
            )
        return usable

    def _folder(self) -> Path:
        try:
            folder = tempfile.mkdtemp(prefix=PREFIX, dir=self.services.context.temp or None)
        except OSError as error:
            raise InputError(
                f"no temporary folder can be created: {error.strerror}", hint="set RUNNER_TEMP or TMPDIR"
            ) from None
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        return Path(folder).resolve()

    def _build(self, name: str, section: Preview, folder: Path, environ: Mapping[str, str]) -> None:
        """Run the build of an arm; its output is kept beside the evidence."""
        self._run(f"build-{name}", f"the build of the {name}", section.build, folder, environ, section.build_timeout)

    def _run(  # noqa: PLR0913, PLR0917  (what is run, where and under which name)
        self, name: str, subject: str, text: str, folder: Path, environ: Mapping[str, str], limit: float
    ) -> None:
        """Run shell text of the policy; its output is kept beside the evidence, in a file of this name.

        Raises:
            InputError: No temporary folder can be created.
            ServiceError: It failed, or the folder of the arm does not exist.
        """
        from ghmlops.measure.builds.run import run_build

        if not folder.is_dir():
            raise ServiceError(f"{subject}: there is no folder {folder.name}", hint="is the working directory new?")
        log = self.services.cwd / self.evidence_dir / f"{name}.log"
        result = run_build(
            ["bash", "-euo", "pipefail", "-c", shell_text(text)],
            cwd=folder,
            environ=environ,
            temp=self.services.context.temp,
            limit=limit,
            progress=lambda line: self.services.console.progress(f"{name}: {line}"),
            log=log,
        )
        if result.problem:
            kind = name.partition("-")[0]
            bound = f" (`{kind}-timeout` is {format_duration(limit)})" if result.timed_out else ""
            raise ServiceError(
                f"{subject} {result.problem}{bound}; the end of its output: {result.tail or 'none'}",
                hint=f"its output is in {self.evidence_dir}/{log.name}",
                reason_code=f"{kind}-failed",
            )


def _activated(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    from ghmlops.measure.builds.environment import activate

    return activate(environ, home)
