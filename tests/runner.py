"""Runs the workflows of a consumer repository with a real runner, `act`, locally and without github.com.

The contract tests check what act does not enforce: permissions, concurrency, environments, required inputs.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STUBS = ROOT / "tests" / "e2e" / "stubs"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
ACT = Path(os.environ.get("GHMLOPS_ACT") or CACHE / "ghmlops" / "tools" / "act-v0.2.89" / "act")
PINS = {
    "checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1",
    "upload-artifact": "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f",
    "download-artifact": "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
    "cache": "27d5ce7f107fe9357f9df03efb73ab90386fccae",
}
TOKEN = "e2e-token-0123456789"
TIME_LIMIT = 600
"""Time limit of one run of a workflow in seconds."""
NOT_IN_ACT = re.compile(r"^ +(?:deployment: false|queue: max)\b.*\n", re.MULTILINE)
"""Keys of a job's environment and of `concurrency` that GitHub knows and the schema of act does not."""
BUILDS = "${{ runner.temp }}/ghmlops-builds"
"""Folder of the builds: on GitHub's runners it has one path in every job, with act another one in each."""

EXTRAS = ("cloud", "github", "history", "latency", "preview", "regression", "verdict")
"""What the actions install, one or the other."""
NOT_COPIED = (":!tests", ":!scripts/bench", ":!scripts/demo_flights", ":!scripts/node", ":!.github/site")
"""Parts of the repository that no action needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Result of one run of a workflow."""

    code: int
    jobs: dict[str, str]
    """Job to `success` or `failure`; a job of a called workflow is named `workflow/job`. Skipped jobs are absent."""
    summaries: dict[str, str]
    """Job to the Markdown of its summaries."""
    annotations: list[tuple[str, str, str]]
    """(job, kind, message)."""
    text: str
    """Log, for the message of a failing test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A folder with the suite as GitHub unpacks it, a consumer repository, and its bare remote."""

    folder: Path
    run_id: int = 4242
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def consumer(self) -> Path:
        """Work tree of the consumer; its remote `origin` is `remote`."""
        return self.folder / "consumer"

    @property
    def remote(self) -> Path:
        """Bare remote repository of the consumer."""
        return self.folder / "remote.git"

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git in the consumer's work tree and return its output."""
        command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments]
        done = subprocess.run(command, cwd=cwd or self.consumer, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.strip()

    def write(self, files: dict[str, str]) -> None:
        """Write files into the consumer's work tree."""
        for name, text in files.items():
            path = self.consumer / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(NOT_IN_ACT.sub("", text), encoding="utf-8")

    def commit(self, message: str) -> str:
        """Commit all and push to the remote; return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "HEAD")
        return self.git("rev-parse", "HEAD")

    def run(
        self, event: str, workflow: str, payload: dict[str, Any] | None = None, *, run_id: int = 0, api: str = ""
    ) -> Run:
        """Run one workflow of the consumer for an event; dispatch inputs are strings under `inputs` of the payload."""
        command = self.command(event, workflow, payload, run_id=run_id, api=api)
        return _parse(*_execute(command, self.consumer, runner_environment(self.folder)))

    def command(
        self, event: str, workflow: str, payload: dict[str, Any] | None = None, *, run_id: int = 0, api: str = ""
    ) -> list[str]:
        """Return the command that runs a workflow, and write what it reads."""
        (self.folder / "art" / str(run_id or self.run_id)).mkdir(exist_ok=True)  # required by the artifact server
        file = self.folder / "event.json"
        file.write_text(json.dumps(payload or {}))
        values = {
            "GITHUB_API_URL": api or "http://127.0.0.1:9",
            "GITHUB_REPOSITORY": "acme/consumer",
            "GITHUB_RUN_ID": str(run_id or self.run_id),
            "E2E_ORIGIN": str(self.remote),
            "E2E_SUITE": str(self.folder / "suite"),
            "E2E_API": api,
            "E2E_CACHES": str(self.folder / "caches"),
            **self.environment,
        }
        local = {f"actions/{name}@{sha}": self.folder / "stubs" / name for name, sha in PINS.items()}
        local["ghmlops/ghmlops@v1"] = self.folder / "suite"
        return [
            *(str(ACT), event, "-W", f".github/workflows/{workflow}", "-e", str(file)),
            *("-P", "ubuntu-latest=-self-hosted", "--json", "--rm", "--action-offline-mode", "--no-cache-server"),
            *("--action-cache-path", str(self.folder / "cache"), "--artifact-server-path", str(self.folder / "art")),
            *("--artifact-server-addr", "127.0.0.1", "--artifact-server-port", str(free_port())),
            *(word for name, path in local.items() for word in ("--local-repository", f"{name}={path}")),
            *(word for name, value in values.items() for word in ("--env", f"{name}={value}")),
            *("-s", f"GITHUB_TOKEN={TOKEN}"),
        ]


def make_world(folder: Path, *, environment: dict[str, str] | None = None, installs: bool = True) -> World:
    """Create a copy of the suite, the doubles of GitHub's actions, and an empty consumer with its remote.

    Args:
        folder: Folder of the world.
        environment: Variables of the workflows.
        installs: Whether each job installs the suite, as it does on GitHub; otherwise all use one installation.
    """
    world = World(folder=folder, environment=environment or {})
    for name in ("home", "tmp", "cache", "art"):
        (folder / name).mkdir(parents=True)
    _copy_suite(folder / "suite", installs=installs)
    for name in PINS:
        shutil.copytree(STUBS / name, folder / "stubs" / name)
        shutil.copy(STUBS / "artifact.py", folder / "stubs" / name)
        _as_repository(folder / "stubs" / name)
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", world.remote], check=True)
    subprocess.run(["git", "clone", "--quiet", world.remote, world.consumer], check=True, capture_output=True)
    world.git("symbolic-ref", "HEAD", "refs/heads/main")
    return world


def _copy_suite(target: Path, *, installs: bool) -> None:
    """Copy tracked and new files of the repository, without ignored ones."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *NOT_COPIED]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    for workflow in (target / ".github" / "workflows").glob("*.yml"):
        text = NOT_IN_ACT.sub("", workflow.read_text())
        workflow.write_text(text.replace(BUILDS, str(target.parent / "builds")))
    if not installs:
        (target / "scripts" / "install.sh").write_text(f"#!/bin/sh\nprintf '%s\\n' {shlex.quote(_installation())}\n")
    _as_repository(target)


def _installation() -> str:
    """Install the suite once for all jobs, by its own script, and return the path of the executable."""
    folder = Path(tempfile.gettempdir()) / "ghmlops-e2e"
    folder.mkdir(exist_ok=True)
    command, env = [str(ROOT / "scripts" / "install.sh"), *EXTRAS], runner_environment(folder)
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    env["RUNNER_TEMP"] = str(folder)
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.strip()


def _as_repository(folder: Path) -> None:
    commit = (["init", "--quiet"], ["add", "--all", "--force"], ["commit", "--quiet", "--message", "v1"])
    for arguments in (*commit, ["gc", "--quiet"]):  # one file of objects instead of thousands, which act copies
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments], cwd=folder, check=True)


def runner_environment(folder: Path) -> dict[str, str]:
    """Return the environment of the runner: a separate home, and the settings of this machine for the package index."""
    inherited = re.compile(r"PATH|PIP_.*|UV_.*|SSL_CERT_.*|REQUESTS_CA_BUNDLE|(?i:https?_proxy|no_proxy)")
    variables = {name: value for name, value in os.environ.items() if inherited.fullmatch(name)}
    settings = Path.home() / ".config" / "pip" / "pip.conf"
    if settings.is_file():
        variables.setdefault("PIP_CONFIG_FILE", str(settings))
    variables.setdefault("UV_CACHE_DIR", str(CACHE / "uv"))
    variables.setdefault("UV_LINK_MODE", "symlink")  # the folders of the tests are often on another file system
    # pip needs seconds for the list of all releases of uv, in each of a hundred jobs.
    variables |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(_wheel_of_uv())}
    separate = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "LANG": "C.UTF-8"}
    return {**variables, **separate, "ACT_DISABLE_VERSION_CHECK": "1", "GIT_PAGER": "cat"}


def _wheel_of_uv() -> Path:
    """Return a folder with the wheel of the pinned uv, downloaded once."""
    pins = ROOT / "scripts" / "uv.txt"
    folder = CACHE / "ghmlops" / f"uv-wheel-{hashlib.sha256(pins.read_bytes()).hexdigest()[:12]}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.mkdtemp(dir=folder.parent)
        python = getattr(sys, "_base_executable", sys.executable)
        command = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*command, "--dest", temporary, "--require-hashes", "--requirement", str(pins)], check=True)
        try:
            Path(temporary).rename(folder)
        except OSError:  # another process of the tests was faster
            shutil.rmtree(temporary)
    return folder


def free_port() -> int:
    """Return a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _execute(command: list[str], cwd: Path, env: dict[str, str]) -> tuple[int, str, str]:
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        try:
            out, err = child.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGINT)
            out, err = child.communicate(timeout=30)
            err += f"\nterminated after {TIME_LIMIT} s"
        return child.returncode, out, err


def _parse(code: int, out: str, err: str) -> Run:
    jobs: dict[str, str] = {}
    summaries: dict[str, str] = {}
    annotations: list[tuple[str, str, str]] = []
    lines = []
    for raw in out.splitlines():
        line = json.loads(raw) if raw.startswith("{") else {"msg": raw}
        job = line.get("job", line.get("jobID", "")).split("/", 1)[-1].strip()
        command = line.get("command", "")
        if "jobResult" in line:
            jobs[job] = line["jobResult"]
        if command == "summary":
            summaries[job] = summaries.get(job, "") + line["content"]
        elif command in ("error", "warning", "notice"):
            annotations.append((job, command, line.get("arg", "")))
        lines.append(f"{job}: {line.get('msg', '').rstrip()}")
    return Run(code=code, jobs=jobs, summaries=summaries, annotations=annotations, text="\n".join([*lines, err]))
