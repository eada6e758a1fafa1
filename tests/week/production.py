"""What runs during the week: the repository and its runner, GitHub's API, a router and the service behind it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import consumer
from ghmlops.act.git import open_repository
from ghmlops.act.git.record_branch import append
from ghmlops.act.targets import apply_shares, read_shares
from ghmlops.cli import main
from ghmlops.core.history.record import BRANCH
from ghmlops.core.promotion.weights import BASELINE_ONLY
from github_api.server import running
from haproxy_router import free_port, running_haproxy
from history_records import deployment
from promoted_routers import HAPROXY
from runner import TOKEN, make_world
from week import repository
from week.clock import VARIABLE, Clock, shift_suite
from week.offered_load import steady
from week.processes import Done, start_service, step_outputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.act.targets import Target
    from github_api.server import Api
    from runner import Run, World

ARMS = {"v2": 0, "v1t": 0, "v1": 100}
"""Candidate, twin and baseline to their first weights."""
MEASURED = "measured"
"""The server whose response times are measured, behind no router."""
RATE = 60.0
"""Requests per second while traffic moves."""
RIGHTS = ("actions", "checks", "contents", "deployments", "issues", "pull_requests", "statuses")
FIRST_REPLICAS = 4
OWN = ("GITHUB_", "GHMLOPS_", "RUNNER_")
"""Prefixes of the variables that a command reads."""


@dataclass(slots=True, kw_only=True)
class Production:
    """Everything that runs.

    Attributes:
        world: The repository, and the runner of the workflows.
        api: GitHub.
        clock: The time of the week.
        folder: Folder of the router, and of the logs (`data`).
        checkout: Work tree in which commands run in this process.
        port: Port of the router.
        ports: Port of each server.
        bodies: Payloads of the requests.
        start: The first commit.
        moved: Requests that were sent while traffic moved.
        harmed: Those that were not answered.
    """

    world: World
    api: Api
    clock: Clock
    folder: Path
    port: int
    ports: dict[str, int]
    bodies: Sequence[bytes]
    start: str = ""
    moved: int = 0
    harmed: int = 0
    _servers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _runs: int = 5000

    @property
    def checkout(self) -> Path:
        return self.world.folder / "runner"

    @property
    def data(self) -> Path:
        """Folder with the log and the outcomes: the checkout, since commands read no links out of it."""
        return self.checkout

    @property
    def replicas(self) -> int:
        """Replicas that run now, as the target of `scale` has them."""
        return int((self.folder / "replicas").read_text())

    @property
    def target(self) -> Target:
        """The router."""
        return HAPROXY.target(self.folder)

    def candidate_share(self) -> float:
        """Return the share of the traffic that the candidate has."""
        return read_shares(self.target).candidate

    def live_from_the_start(self, *, reported: bool) -> None:
        """Record that the first commit is live; where no end of a deployment is reported, what is allowed counts."""
        self._seed(self.start, "success")
        self._append(self.start, decision="deployed" if reported else "allowed")

    def allow(self, commit: str, base: str) -> None:
        """Record what the gate would if it allowed a commit."""
        self._seed(commit, "queued")
        self._append(commit, base_sha=base)

    def _seed(self, commit: str, state: str) -> None:
        payload = {"ghmlops": {"run_id": "1", "service": "click-scorer"}}
        # The statuses too have the time of the week, or they would stay the newest.
        with self.clock.in_force():
            self.api.seed(deployments=[{"sha": commit, "payload": payload, "statuses": [{"state": state}]}])

    def _append(self, commit: str, **fields: str) -> None:
        values = {"commit": commit, "service": "click-scorer", "repository": "acme/consumer", **fields}
        record = deployment(self.clock.now().isoformat(timespec="seconds"), **values)
        git = open_repository(self.checkout, dict(os.environ))
        append(git, [record], remote="origin", branch=BRANCH, token="", note=lambda _: None)

    def command(self, *args: str) -> Done:
        """Run a command in this process, in the checkout, by the clock of the week."""
        out, outputs = io.StringIO(), self.folder / "outputs"
        values = self._variables(outputs)
        with self.clock.in_force(), pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
            for name in [name for name in os.environ if name.startswith(OWN)]:
                patch.delenv(name)
            for name, value in values.items():
                patch.setenv(name, value)
            patch.chdir(self.checkout)
            code = main(list(args))
        return Done(code=code, outputs=step_outputs(outputs.read_text()), text=out.getvalue())

    def measure(self, *args: str) -> Done:
        """Run a command that sends load in a process of its own, in which no other thread delays its requests."""
        outputs = self.folder / "outputs"
        values = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
        values |= self._variables(outputs)
        values |= {"PYTHONPATH": str(self.world.folder / "suite" / "src"), VARIABLE: self.clock.seconds}
        command = [sys.executable, "-m", "ghmlops", *args]
        done = subprocess.run(command, cwd=self.checkout, env=values, stdout=subprocess.PIPE, text=True, check=False)
        return Done(code=done.returncode, outputs=step_outputs(outputs.read_text()), text=done.stdout)

    def _variables(self, outputs: Path) -> dict[str, str]:
        outputs.write_text("")
        self._runs += 1
        return {
            "GITHUB_REPOSITORY": "acme/consumer",
            "GITHUB_RUN_ID": str(self._runs),
            "GITHUB_REF_NAME": "main",
            "GITHUB_API_URL": self.api.url,
            "GITHUB_OUTPUT": str(outputs),
            "GHMLOPS_TOKEN": TOKEN,
        }

    def evidence(self, name: str) -> dict[str, Any]:
        """Return the evidence that a command wrote in the checkout."""
        content: dict[str, Any] = json.loads((self.checkout / "evidence" / f"{name}.json").read_text())
        return content

    def update(self, commit: str = "origin/main") -> None:
        """Bring the checkout to a commit, without evidence of an earlier one."""
        self.git("fetch", "--quiet", "origin", cwd=self.checkout)
        self.git("checkout", "--quiet", "--force", "--detach", commit, cwd=self.checkout)
        for name in ("evidence", "records"):
            shutil.rmtree(self.checkout / name, ignore_errors=True)

    def git(self, *args: str, cwd: Path | None = None) -> str:
        """Run git by the clock of the week."""
        date = self.clock.now().isoformat()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GIT_AUTHOR_DATE", date)
            patch.setenv("GIT_COMMITTER_DATE", date)
            return self.world.git(*args, cwd=cwd)

    def commit(self, message: str, files: dict[str, str], body: str = "") -> str:
        """Push a commit, as the merge of a pull request with this description; return its SHA."""
        self._to_the_tip()
        self.world.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "HEAD:main")
        commit = self.git("rev-parse", "HEAD")
        number = len(self.api.state.pull_requests) + 1
        pull = {"number": number, "head_sha": commit, "state": "closed", "merge_commit_sha": commit, "body": body}
        self.api.seed(pull_requests=[pull])
        return commit

    def workflow(self, event: str, name: str, inputs: dict[str, str] | None = None, run_id: int = 0) -> Run:
        """Run a workflow under the runner, by the clock of the week, from the tip of the main branch as GitHub does."""
        self._runs += 1
        self._to_the_tip()
        number = run_id or self._runs
        if not run_id:
            self._seed_run(number, name, event=event, status="in_progress", conclusion=None)
        self.world.environment[VARIABLE] = self.clock.seconds
        with self.clock.in_force():
            payload = {"inputs": inputs or {}, "repository": consumer.REPOSITORY}
            run = self.world.run(event, name, payload, run_id=number, api=self.api.url)
        row = next(row for row in self.api.state.runs if row["id"] == number)
        row.update(status="completed", conclusion="success" if run.code == 0 else "failure")
        return run

    def _to_the_tip(self) -> None:
        self.git("fetch", "--quiet", "origin")
        self.git("reset", "--quiet", "--hard", "origin/main")

    def note_run(self, name: str) -> None:
        """Record that the command of a scheduled workflow ran in this process, as GitHub would the workflow."""
        self._seed_run(self._runs, name, event="schedule")

    def _seed_run(self, number: int, name: str, **fields: Any) -> None:
        run = {"id": number, "head_sha": self.head(), "head_branch": "main", "path": f".github/workflows/{name}"}
        times = {"created_at": self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")}
        self.api.seed(runs=[{**run, **times, **fields}])

    def dispatched(self, name: str) -> list[dict[str, Any]]:
        """Return the runs of a workflow that were started and not carried out."""
        return [r for r in self.api.state.runs if r["path"].endswith(f"/{name}") and r["status"] == "queued"]

    def runs_of(self, name: str) -> list[dict[str, Any]]:
        """Return the runs of a workflow that were started by another one."""
        return [r for r in self.api.state.runs if r["path"].endswith(f"/{name}") and r.get("inputs")]

    def subjects(self) -> list[str]:
        """Return the subjects of the commits of the main branch, oldest first."""
        return self.world.git("log", "--reverse", "--format=%s", "main", cwd=self.world.remote).splitlines()

    def carry_out(self, name: str) -> Run:
        """Carry out the one run of a workflow that was started."""
        (row,) = self.dispatched(name)
        return self.workflow("workflow_dispatch", name, row["inputs"], row["id"])

    def head(self) -> str:
        """Return the tip of the main branch."""
        return self.world.git("rev-parse", "main", cwd=self.world.remote)

    def serve(self, arm: str, commit: str) -> None:
        """Let a server run a commit."""
        self.stop(arm)
        folder = self.folder / "versions" / commit
        if not folder.exists():
            packed = subprocess.run(["git", "archive", commit], cwd=self.world.remote, capture_output=True, check=True)
            with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
                archive.extractall(folder, filter="data")
        self._servers[arm] = start_service(folder, self.ports[arm])

    def stop(self, *arms: str) -> None:
        """End servers; without names, all."""
        for arm in arms or tuple(self._servers):
            if process := self._servers.pop(arm, None):
                process.terminate()
                process.wait(10)

    def return_weights(self) -> None:
        """Give all traffic to the baseline, once its servers run what is live."""
        apply_shares(self.target, BASELINE_ONLY)

    @contextlib.contextmanager
    def under_load(self) -> Iterator[None]:
        """Send requests through the router while the traffic of a deployment moves; every one has to be answered."""
        with steady(self.port, RATE, self.bodies, self._moves) as answers:
            yield
        self.moved += len(answers)
        self.harmed += sum(answer.score is None for answer in answers)

    def _moves(self) -> bool:
        statuses = self.api.state.deployment_statuses
        return bool(statuses) and statuses[-1]["state"] == "in_progress"


@contextlib.contextmanager
def running_production(
    folder: Path, clock: Clock, prometheus: str, source: str = repository.SERVICE
) -> Iterator[Production]:
    """Start everything, and end it.

    Args:
        folder: Empty folder.
        clock: The time of the week.
        prometheus: Address of Prometheus.
        source: Source of the service of the first commit.
    """
    world = make_world(folder / "w")
    shift_suite(world.folder / "suite")
    (router := folder / "r").mkdir()
    (router / "replicas").write_text(f"{FIRST_REPLICAS}\n")
    world.environment["WEEK_DATA"] = str(world.folder / "runner")
    token = {"login": "github-actions[bot]", "kind": "installation", "permissions": dict.fromkeys(RIGHTS, "write")}
    ports = {name: free_port() for name in (*ARMS, MEASURED)}
    with contextlib.ExitStack() as stack:
        api = stack.enter_context(running({"repositories": {"acme/consumer": {}}, "tokens": {TOKEN: token}}))
        proxy = stack.enter_context(running_haproxy(router, {arm: (ports[arm], ARMS[arm]) for arm in ARMS}))
        stack.enter_context(clock.follow(router / HAPROXY.log, router / "shifted.log"))
        api.state.repositories["acme/consumer"]["git_dir"] = str(world.remote)
        bodies = [json.dumps(row).encode() for row in repository.payloads()]
        production = Production(
            world=world, api=api, clock=clock, folder=router, port=proxy.port, ports=ports, bodies=bodies
        )
        stack.callback(production.stop)
        policy = HAPROXY.policy(router).replace(HAPROXY.log, "shifted.log")
        values = {"router": policy, "prometheus": prometheus, "replicas": router / "replicas"}
        production.start = repository.fill(world, source, values)
        world.git("clone", "--quiet", str(world.remote), str(production.checkout), cwd=folder)
        (production.data / "logs").mkdir()
        (production.data / "outcomes.jsonl").touch()
        yield production
        assert api.violations == []
