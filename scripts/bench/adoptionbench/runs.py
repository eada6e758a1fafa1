"""Measures one change of a repository: by `ghmlops check` on this machine, or by the workflows under the runner."""

from __future__ import annotations

import io
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.adoptionbench.repositories import Edit, Repository

IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")


@dataclass(slots=True, kw_only=True)
class Verdicts:
    """The verdicts on one change.

    Attributes:
        minutes: time until the first verdict, building and measuring included.
        cpu_minutes: processor time of the same, of all processes.
        outcomes: folder of each service to the outcome of its verdict.
        findings: folder of each service to the ids of its findings.
        reasons: folder of each service to the reasons of findings that neither passed nor warned.
    """

    minutes: float = 0.0
    cpu_minutes: float = 0.0
    outcomes: dict[str, str] = field(default_factory=dict)
    findings: dict[str, list[str]] = field(default_factory=dict)
    reasons: dict[str, list[str]] = field(default_factory=dict)

    def add(self, service: str, verdict: Path) -> None:
        """Read the verdict on one service."""
        document = json.loads(verdict.read_text(encoding="utf-8"))
        self.outcomes[service] = document["outcome"]
        self.findings[service] = [finding["id"] for finding in document["findings"]]
        self.reasons[service] = [
            f"{finding['outcome']}: {finding['reason']}"
            for finding in document["findings"]
            if finding["outcome"] not in ("pass", "warn")
        ]


def children_seconds() -> float:
    """Return the processor time of all processes that this one started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(command: list[str], folder: Path, environ: dict[str, str] | None = None) -> str:
    """Run a command and return its output; a failure ends the program with it."""
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def commit(folder: Path, message: str) -> str:
    """Commit everything that git does not ignore; return the commit."""
    run(["git", "add", "--all"], folder)
    run(["git", *IDENTITY, "commit", "--quiet", "--allow-empty", "--message", message], folder)
    return run(["git", "rev-parse", "HEAD"], folder)


def change(folder: Path, edit: Edit) -> None:
    """Edit a file; the text must be there."""
    name, old, new = edit
    text = (folder / name).read_text(encoding="utf-8")
    if old not in text:
        sys.exit(f"{name} does not contain {old!r}")
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def apply_change(repository: Repository, folder: Path, edit: Edit, owner: dict[str, str]) -> str:
    """Edit the repository, run what belongs to a change, and commit it; return the commit."""
    change(folder, edit)
    for command in repository.after:
        subprocess.run(["bash", "-euc", command], cwd=folder, env=owner, check=True)
    return commit(folder, "Change")


def measure_by_check(repository: Repository, source: Path, target: Path, edit: Edit, owner: dict[str, str]) -> Verdicts:
    """Measure each service by `ghmlops check`, in a clone without anything that is not committed."""
    run(["git", "clone", "--quiet", str(source), str(target)], source)
    base = run(["git", "rev-parse", "HEAD"], target)
    run(["git", "switch", "--quiet", "--create", "topic"], target)
    apply_change(repository, target, edit, owner)
    result = Verdicts()
    for service in repository.flags:
        start, cpu = time.monotonic(), children_seconds()
        command = [sys.executable, "-m", "ghmlops", "check", "--base", base, "--working-directory", service]
        done = subprocess.run(command, cwd=target, capture_output=True, text=True, check=False)
        minutes = (time.monotonic() - start) / 60
        result.minutes = result.minutes or minutes
        result.cpu_minutes = result.cpu_minutes or (children_seconds() - cpu) / 60
        result.add(service, target / service / "evidence/verdict.json")
        print(f"  {service}: exit {done.returncode} after {minutes:.1f} min: {result.outcomes[service]}", flush=True)
        if result.outcomes[service] not in ("pass", "warn"):
            print("\n".join(f"    {line}" for line in (done.stdout + done.stderr).splitlines()[-12:]), flush=True)
    shutil.rmtree(target)
    return result


def measure_by_workflows(
    repository: Repository, source: Path, target: Path, edit: Edit, owner: dict[str, str]
) -> Verdicts:
    """Measure each service by its workflow for pull requests, under the runner."""
    import runner
    from consumer import pull_request
    from e2e.conftest import PERMISSIONS
    from github_api.server import running
    from runner import TOKEN, make_world

    runner.TIME_LIMIT = 1800  # a busy machine takes longer than one of a test
    world = make_world(target, environment={"PIP_NO_INDEX": "0"})  # the services install their packages
    world.git("pull", "--quiet", str(source), "main")
    world.git("push", "--quiet", "origin", "HEAD:main")
    base = world.git("rev-parse", "HEAD")
    world.git("switch", "--quiet", "--create", "topic")
    head = apply_change(repository, world.consumer, edit, owner)
    world.git("push", "--quiet", "origin", "topic")
    token = {"login": "github-actions[bot]", "kind": "installation", "permissions": PERMISSIONS}
    result = Verdicts()
    with running({"repositories": {"acme/consumer": {}}, "tokens": {TOKEN: token}}) as api:
        request = {"number": 7, "head_sha": head, "head_ref": "topic", "base_sha": base, "base_ref": "main"}
        api.seed(pull_requests=[request])
        for run_id, service in enumerate(repository.flags, start=4301):
            name = service.rpartition("/")[2]
            workflow = "ghmlops.yml" if service == "." else f"ghmlops-{name}.yml"
            fields = {"id": run_id, "head_sha": head, "head_branch": "topic", "event": "pull_request"}
            api.seed(runs=[{**fields, "status": "in_progress", "conclusion": None}])
            start, cpu = time.monotonic(), children_seconds()
            done = world.run("pull_request", workflow, pull_request(7, head, base), run_id=run_id, api=api.url)
            minutes = (time.monotonic() - start) / 60
            result.minutes = result.minutes or minutes
            result.cpu_minutes = result.cpu_minutes or (children_seconds() - cpu) / 60
            _read_artifact(result, service, api.state.artifacts, run_id, done.text)
            print(f"  {service}: {done.jobs} after {minutes:.1f} min: {result.outcomes[service]}", flush=True)
            for reason in result.reasons[service]:
                print(f"    {reason}", flush=True)
    shutil.rmtree(target)
    return result


def _read_artifact(result: Verdicts, service: str, artifacts: list[dict[str, Any]], run_id: int, log: str) -> None:
    """Read the verdict of a run from its artifact with the evidence; without one, the outcome is `none`."""
    names = [a for a in artifacts if a["run_id"] == run_id and a["name"].startswith("ghmlops-evidence-")]
    files: set[str] = set()
    if names:
        with zipfile.ZipFile(io.BytesIO(names[0]["zip"])) as archive, tempfile.TemporaryDirectory() as folder:
            files = set(archive.namelist())
            if "verdict.json" in files:
                result.add(service, Path(archive.extract("verdict.json", folder)))
                return
    result.outcomes[service], result.findings[service] = "none", []
    result.reasons[service] = [f"no verdict; files: {', '.join(sorted(files)) or 'none'}", *log[-4000:].splitlines()]
