"""A build for the cache is that of the baseline of later changes; one with other content is not used."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ghmlops.commands import check
from ghmlops.commands.check.job import prepare
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.artifacts.build_key import build_digest
from ghmlops.core.context import Context
from ghmlops.core.errors import InputError, PolicyError

POLICY = """\
version: 1
service: built
preview:
  build: |
    echo built >>BUILDS
    echo weights >model.bin
  command: "python3 -m http.server {port}"
latency: {request: {method: GET, path: /}, slo: {p50: 5s}, arrivals: {constant: 10/s, duration: 1s}}
"""


class Scene:
    """A repository whose build counts how often it runs, and a folder of builds."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.builds, self.log = folder / "repo", folder / "builds", io.StringIO()
        self.count_file = folder / "count"
        (self.folder / ".github").mkdir(parents=True)
        self.git("init", "--quiet", "-b", "main")
        (self.folder / ".gitignore").write_text("evidence/\n")
        self.policy = self.folder / ".github" / "ghmlops.yml"
        self.policy.write_text(POLICY.replace("BUILDS", str(self.count_file)))
        self.base = self.commit()
        self.services = Services(
            context=Context(),
            environ=os.environ,
            cwd=self.folder,
            now=lambda: datetime.now(UTC),
            console=Console(self.log),
        )

    def git(self, *words: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"]
        done = subprocess.run(["git", *identity, *words], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def prepare_build(self, **inputs: str) -> str:
        """Run `check` with `prepare-build`; return the key for the cache."""
        defaults = {"build_cache": str(self.builds)}
        result = check.run(check.Inputs(prepare_build=True, **(defaults | inputs)), self.services)  # type: ignore[arg-type]
        return result.outputs["build-key"]

    def baseline_model(self, key: str | None) -> str:
        """Return the model of the baseline of a change, where the job `baseline` names this key."""
        file = self.folder.parent / "baseline.json"
        file.write_text(json.dumps({"schema": "ghmlops/baseline/v1", "base_sha": self.base, "build": key or ""}))
        named = "" if key is None else str(file)
        job = prepare(check.Inputs(base=self.base, build_cache=str(self.builds), baseline_file=named), self.services)
        assert job.policy.preview is not None
        with job.builds as builds:
            return (builds.arm("baseline", job.policy.preview).cwd / "model.bin").read_text()

    @property
    def count(self) -> int:
        """How often a build ran."""
        return self.count_file.read_text().count("built")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A repository with one commit."""
    return Scene(tmp_path)


def test_a_prepared_build_is_the_baseline_of_a_change(scene: Scene) -> None:
    """It is not built again, if the job `baseline` names its key or if there is no such job."""
    key = scene.prepare_build()
    assert len(build_digest(key)) == 64
    scene.commit()
    assert scene.baseline_model(key) == scene.baseline_model(None) == "weights\n"
    assert scene.count == 1
    assert key == scene.prepare_build()


def other_model(scene: Scene) -> None:
    (model,) = scene.builds.glob("*/tree/model.bin")
    model.write_text("other\n")


def another_package(scene: Scene) -> None:
    (packages,) = scene.builds.glob("*/environment/lib/python*/site-packages")
    (packages / "sitecustomize.py").write_text("")


@pytest.mark.parametrize("alter", [other_model, another_package])
def test_another_content_is_not_used(scene: Scene, alter: Callable[[Scene], None]) -> None:
    """What somebody else saved under the key is replaced by a build."""
    key = scene.prepare_build()
    alter(scene)
    assert scene.baseline_model(key) == "weights\n"
    assert scene.count == 2
    assert not list(scene.builds.glob("*/environment/lib/python*/site-packages/sitecustomize.py"))


def test_a_build_that_no_key_names_is_not_used(scene: Scene) -> None:
    """The job `baseline` found none: whatever is in the folder is replaced."""
    scene.prepare_build()
    assert scene.baseline_model("") == "weights\n"
    assert scene.count == 2


def test_what_is_missing_is_one_error(scene: Scene) -> None:
    """A folder, and a build in the policy."""
    with pytest.raises(InputError, match="build-cache"):
        scene.prepare_build(build_cache="")
    scene.policy.write_text(POLICY[: POLICY.index("  build:")] + POLICY[POLICY.index("  command:") :])
    with pytest.raises(PolicyError, match="builds nothing"):
        scene.prepare_build()
