"""`ghmlops preview` as a step of a job runs it: outputs, evidence, a service that outlives the step, its end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

import raw_service
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.model import Outcome
from ghmlops.measure.evidence import decode
from left_evidence import left_error
from preview_services import Services, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

SHA = "c" * 40


@dataclass
class Step:
    """A step that has ended."""

    code: int
    out: str
    err: str
    outputs: dict[str, str]


@dataclass
class Job:
    """A job in a separate folder, with the variables of a runner."""

    services: Services

    @property
    def folder(self) -> Path:
        """Its workspace."""
        return self.services.folder

    @property
    def environ(self) -> dict[str, str]:
        """Variables of a step."""
        return {
            **self.services.environ,
            "GITHUB_SHA": SHA,
            "GITHUB_OUTPUT": str(self.folder / "outputs"),
            "RUNNER_TEMP": str(self.folder / "temp"),
        }

    def step(self, *args: str, **variables: str) -> Step:
        """Run the command to its end; that its pipes close is part of what is tested."""
        file = self.folder / "outputs"
        file.unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "ghmlops", "preview", *args],
            cwd=self.folder,
            env={**self.environ, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        lines = file.read_text().splitlines() if file.exists() else []
        outputs = {head.partition("<<")[0]: value for head, value in zip(lines[::3], lines[1::3], strict=True)}
        return Step(done.returncode, done.stdout, done.stderr, outputs)

    def start(self, kind: str, *args: str) -> Step:
        """Start a service of a kind."""
        return self.step("--command", self.services.command(kind), "--ready", "/healthz", *args)

    def evidence(self) -> Evidence:
        """Read the evidence file."""
        file = self.folder / "evidence" / "preview.json"
        return decode(file.read_bytes(), Evidence, EVIDENCE_SCHEMA, file.name)


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    """A job whose previews are all gone at its end."""
    (tmp_path / "temp").mkdir()
    job_ = Job(Services(tmp_path))
    yield job_
    for state in (tmp_path / "temp").glob("ghmlops-preview-*/state.json"):
        if not json.loads(state.read_text())["ended"]:
            job_.step("--stop", str(json.loads(state.read_text())["pid"]))
    assert job_.services.running_processes() == []


def test_a_started_service_outlives_its_step(job: Job) -> None:
    """The step ends and its pipes close; the service answers until `--stop`, which leaves nothing."""
    step = job.start("children")
    assert step.code == 0, step.err
    assert (step.outputs["outcome"], step.outputs["reason-code"]) == ("pass", "preview-ready")
    assert requests.get(f"{step.outputs['url']}/healthz", timeout=10).status_code == 200
    stopped = job.step("--stop", step.outputs["pid"])
    assert (stopped.code, stopped.outputs["reason-code"]) == (0, "preview-stopped")
    assert job.services.running_processes() == []


def test_stopping_twice_is_fine(job: Job) -> None:
    """A second stop passes."""
    pid = job.start("plain").outputs["pid"]
    job.step("--stop", pid)
    again = job.step("--stop", pid)
    assert (again.code, again.outputs["reason-code"]) == (0, "preview-stopped")
    assert f"{pid} was already" in again.out


def test_the_evidence_tells_how_long_it_took(job: Job) -> None:
    """`preview.json` has the finding, the start-up time and the commit."""
    step = job.start("late")
    evidence = job.evidence()
    assert step.outputs["evidence-file"] == "evidence/preview.json"
    assert (evidence.command, evidence.outcome, evidence.provenance.head_sha) == ("preview", Outcome.PASS, SHA)
    assert [(f.id, f.outcome, f.unit) for f in evidence.findings] == [("preview-ready", Outcome.PASS, "s")]
    seconds = evidence.measurements[0].values["seconds"]
    assert evidence.measurements[0].id == "startup-time"
    assert seconds is not None
    assert 0.4 <= seconds == evidence.findings[0].candidate


def test_a_service_that_dies_is_an_error_with_evidence(job: Job) -> None:
    """Exit 2, one line with the end of the log, evidence that can never pass, and no process."""
    step = job.start("dies")
    assert step.code == 2
    assert step.err.count("\n") == 1
    assert re.search(r"exit status 3 .*: no model", step.err)
    assert step.outputs == {"outcome": "error", "reason-code": "service-not-ready"}
    evidence = job.evidence()
    assert (evidence.outcome, evidence.findings[0].outcome, evidence.measurements) == (Outcome.ERROR, Outcome.ERROR, [])
    assert job.services.running_processes() == []


def test_a_time_out_leaves_nothing(job: Job) -> None:
    """A service that is never ready is ended with the step."""
    step = job.start("never", "--timeout", "500ms")
    assert step.code == 2
    assert "within 0.5 s" in step.err
    assert job.services.running_processes() == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_waiting_leaves_nothing(job: Job, how: signal.Signals) -> None:
    """Interrupted before it is ready: exit 130, no process, no result, no folder."""
    with subprocess.Popen(
        [sys.executable, "-m", "ghmlops", "preview", "--command", job.services.command("never")],
        cwd=job.folder,
        env=job.environ,
        stderr=subprocess.PIPE,
    ) as process:
        wait_until(
            lambda: any("never.py" in words.split()[1] for words in job.services.running_processes()), "the service"
        )
        process.send_signal(how)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert job.services.running_processes() == []
    assert left_error(job.folder / "evidence", "preview.json") == "preview-not-judged"
    assert list((job.folder / "temp").iterdir()) == []


def test_evidence_that_cannot_be_written_ends_the_service(job: Job) -> None:
    """Without evidence there is no preview: an error after it was ready leaves nothing behind."""
    (job.folder / "evidence").write_text("a file, not a folder")
    step = job.start("plain")
    assert step.code == 2
    assert "cannot write" in step.err
    assert job.services.running_processes() == []


def test_the_lifetime_ends_it(job: Job) -> None:
    """It ends without a stop, and a later stop reports that."""
    step = job.start("daemons", "--lifetime", "1s")
    assert step.code == 0
    wait_until(lambda: job.services.running_processes() == [], "the end of the lifetime")
    wait_until(lambda: not psutil.pid_exists(int(step.outputs["pid"])), "the end of the supervisor")
    assert job.step("--stop", step.outputs["pid"]).code == 0


def test_a_service_that_ended_by_itself_is_told_at_the_stop(job: Job) -> None:
    """A crash between the steps does not go unseen: a warning with status and log."""
    step = job.start("plain")
    for process in psutil.process_iter(["cmdline"]):
        if job.services.mark in (process.info["cmdline"] or []) and "plain.py" in " ".join(process.info["cmdline"]):
            process.kill()
    wait_until(lambda: not psutil.pid_exists(int(step.outputs["pid"])), "the end of the supervisor")
    stopped = job.step("--stop", step.outputs["pid"], GITHUB_ACTIONS="true")
    assert (stopped.code, stopped.outputs["outcome"], stopped.outputs["reason-code"]) == (0, "warn", "preview-ended")
    assert "exit status -9" in stopped.out
    assert "::warning" in stopped.err


def test_the_preview_ends_with_its_runner(job: Job) -> None:
    """When the process that started the steps is gone, killed even, so is the preview, although nobody stopped it."""
    runner = job.folder / "runner.py"
    runner.write_text(
        "import ctypes, subprocess, sys, time\n"
        "ctypes.CDLL(None).prctl(15, b'Runner.Worker', 0, 0, 0)\n"
        "subprocess.run(['bash', '-c', '\"$@\"; true', 'step', *sys.argv[1:]], check=True)\n"
        "print('done', flush=True)\ntime.sleep(600)\n"
    )
    command = [sys.executable, "-m", "ghmlops", "preview", "--command", job.services.command("daemons")]
    with subprocess.Popen(
        [sys.executable, str(runner), *command, "--ready", "/healthz"],
        cwd=job.folder,
        env=job.environ,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        while process.stdout.readline() != b"done\n":
            assert process.poll() is None
        assert job.services.running_processes() != []
        process.kill()
    wait_until(lambda: job.services.running_processes() == [], "the end of the preview")


def test_only_previews_are_stopped(job: Job) -> None:
    """A foreign process, even one that mentions our module, is refused and lives on."""
    fake = [sys.executable, "-c", "import time; time.sleep(600)", "ghmlops.measure.preview.supervisor", str(job.folder)]
    with subprocess.Popen(fake) as process:
        for pid in (str(process.pid), str(os.getpid()), "1"):
            step = job.step("--stop", pid)
            assert step.code == 2
            assert f"process {pid} is not a preview" in step.err
        assert process.poll() is None
        process.kill()


def test_a_process_that_never_was_is_not_stopped(job: Job) -> None:
    """A number that no process has and no record names is refused, not passed."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    step = job.step("--stop", str(process.pid))
    assert step.code == 2
    assert f"process {process.pid} is not a preview" in step.err


def test_a_supervisor_that_was_killed_had_ended_before(job: Job) -> None:
    """Its record never got an end, and it passes as ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    old = job.folder / "temp" / "ghmlops-preview-old"
    old.mkdir()
    (old / "state.json").write_text(json.dumps({"pid": process.pid, "ended": "", "status": None}))
    step = job.step("--stop", str(process.pid))
    assert (step.code, step.outputs["reason-code"]) == (0, "preview-stopped")
    assert f"{process.pid} was already" in step.out
    (old / "state.json").write_text(json.dumps({"pid": process.pid, "ended": "stopped", "status": None}))


def test_a_number_that_was_used_again_is_left_alone(job: Job) -> None:
    """Where our preview has ended and another process has its number, that process lives and the stop passes."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        old = job.folder / "temp" / "ghmlops-preview-old"
        old.mkdir()
        (old / "state.json").write_text(json.dumps({"pid": process.pid, "ended": "lifetime", "status": None}))
        assert job.step("--stop", str(process.pid)).code == 0
        assert process.poll() is None
        process.kill()


@pytest.mark.parametrize("pid", ["abc", "-1", "0", "1.5", "$(kill 1)", "9999999999", "4194305", "٣"])
def test_what_is_not_a_process_id_is_refused(job: Job, pid: str) -> None:
    """Only a positive integer is accepted."""
    step = job.step(f"--stop={pid}")
    assert step.code == 2
    assert "is not a process id" in step.err


def test_a_url_is_only_waited_for(job: Job) -> None:
    """A running service is used, nothing is started, the pid is empty."""
    started = job.start("plain")
    step = job.step("--url", started.outputs["url"] + "/", "--ready", "/healthz")
    assert step.code == 0
    assert (step.outputs["url"], step.outputs["pid"]) == (started.outputs["url"], "")


def test_a_url_that_refuses_is_an_error(job: Job) -> None:
    """A closed port is reported with the last problem, within the time."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        began = time.monotonic()
        step = job.step("--url", url, "--timeout", "300ms")
    assert step.code == 2
    assert re.search(rf"{url} is not ready .* 0\.3 s: .*refused", step.err)
    assert time.monotonic() - began < 30
    assert job.evidence().outcome is Outcome.ERROR


def test_the_policy_says_what_the_inputs_do_not(job: Job) -> None:
    """Command, path and time-out come from the section `preview`; an input beats it."""
    (job.folder / ".github").mkdir()
    policy = job.folder / ".github" / "ghmlops.yml"
    command = job.services.command("plain")
    policy.write_text(f"version: 1\nservice: x\npreview: {{command: {command!r}, ready: /healthz, timeout: 20s}}\n")
    assert job.step().outputs["reason-code"] == "preview-ready"
    step = job.step("--timeout", "300ms", "--ready", "/nope")
    assert re.search(r"/nope within 0\.3 s: (answered 404|Connection refused)", step.err), step.err


def test_the_build_of_the_policy_runs_before_the_service(job: Job) -> None:
    """Its text is that of bash; one that fails is an error with the end of its output, and starts nothing."""
    (job.folder / ".github").mkdir()
    policy = job.folder / ".github" / "ghmlops.yml"
    command = job.services.command("plain")
    text = "version: 1\nservice: x\npreview:\n  build: |\n    {build}\n  command: {command!r}\n  ready: /healthz\n"
    policy.write_text(text.format(build="printf %s {sha} > built.txt", command=command))
    assert job.step().outputs["reason-code"] == "preview-ready"
    assert len((job.folder / "built.txt").read_text()) == 40
    policy.write_text(text.format(build="echo no model; false | cat", command=command))
    step = job.step()
    assert (step.code, step.outputs["reason-code"]) == (2, "build-failed")
    assert "no model" in step.err


def test_a_dry_run_starts_nothing(job: Job) -> None:
    """The plan is one line; no process, no evidence."""
    step = job.start("plain", "--dry-run", "--lifetime", "10m")
    assert step.code == 0
    assert all(part in step.out for part in ("would start `", "10 m", "/healthz", "1 m"))
    assert not (job.folder / "evidence").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "no such file"),
        (["--command", "x {port}", "--url", "http://x"], "exclude each other"),
        (["--command", "x"], "has no `{port}`"),
        (["--command", "x 'y {port}"], "No closing quotation"),
        (["--command", "x {port}", "--timeout", "fast"], "input `timeout`"),
        (["--command", "x {port}", "--lifetime", "0s"], "input `lifetime`"),
        (["--command", "x {port}", "--policy", "other.yml"], "other.yml: no such file"),
        (["--url", "ftp://x"], "is not an http or https address"),
        (["--url", "http://"], "is not an http or https address"),
        (["--url", "http://x:99999"], "is not an http or https address"),
        (["--url", "http://x/\u202e"], "is not an http or https address"),
        (["--url", "http://me:secret@x"], "'http://x' is not an http or https address"),
        (["--url", "http://x/?token=s"], "'http://x' is not an http or https address"),
        (["--url", "http://x", "--ready", "healthz"], "expected a path"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(job: Job, args: list[str], message: str) -> None:
    """Each mistake is named with a hint, and nothing is started."""
    step = job.step(*args)
    assert step.code == 2
    assert message in step.err
    assert step.err.count("\n") == 1


def test_without_a_commit_nothing_is_started(job: Job) -> None:
    """In a workflow run, evidence without a commit is useless, so the commit is required first."""
    step = job.step("--command", job.services.command("plain"), GITHUB_SHA="", GITHUB_ACTIONS="true")
    assert step.code == 2
    assert "the commit under test" in step.err


@pytest.mark.parametrize(
    ("policy", "argv", "hint"),
    [
        ("", ["--url", "http://scorer.invalid:8000"], "allow-hosts: scorer.invalid"),
        ("", ["--url", "http://169.254.169.254/latest"], "allow-hosts: 169.254.169.254"),
        ("", ["--url", "http://[::ffff:169.254.169.254]/"], "allow-hosts: 169.254.169.254"),
        ("", ["--url", "http://10.0.0.7", "--allow-hosts", "10.0.0.8"], "allow-hosts: 10.0.0.7"),
        ("targets: [scorer.invalid]", ["--url", "http://scorer.invalid"], "allow-hosts: scorer.invalid"),
        ("preview: {url: 'http://scorer.invalid'}", [], "allow-hosts: scorer.invalid"),
        ("targets: [b.invalid]", ["--url", "http://a.invalid", "--allow-hosts", "*.invalid"], "targets: [a.invalid]"),
    ],
)
def test_a_host_that_is_not_allowed_is_not_waited_for(job: Job, policy: str, argv: list[str], hint: str) -> None:
    """The policy of a change cannot name the host; private and metadata addresses need their number; exit 2 at once."""
    (job.folder / ".github").mkdir()
    (job.folder / ".github/ghmlops.yml").write_text(f"version: 1\nservice: s\n{policy}\n")
    step = job.step(*argv, "--timeout", "20s")
    assert (step.code, step.outputs["reason-code"]) == (2, "target-not-allowed")
    assert hint in step.err


def test_a_protected_preview_is_waited_for_with_its_headers(job: Job) -> None:
    """The policy names the header, the input `allow-env` the variable; a service without it is not ready."""

    def answer(connection: raw_service.Connection, request: bytes) -> None:
        good = b"\r\nx-bypass: t0ps3cret\r\n" in request
        connection.write(raw_service.OK if good else b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")

    (job.folder / ".github").mkdir()
    with raw_service.started(raw_service.answering(answer)) as service:
        (job.folder / ".github/ghmlops.yml").write_text(
            f"version: 1\nservice: s\npreview: {{url: '{service.url}', headers: {{X-Bypass: '${{BYPASS}}'}}, "
            "ready-contains: ok, ready-answers: 2, timeout: 5s}\n"
        )
        refused = job.step()
        assert (refused.code, service.requests) == (2, [])
        assert "allow-env: BYPASS" in refused.err
        ready = job.step("--allow-env", "BYPASS", BYPASS="t0ps3cret")
        assert (ready.code, ready.outputs["reason-code"], len(service.requests)) == (0, "preview-ready", 2)
        wrong = job.step("--allow-env", "BYPASS", "--timeout", "400ms", BYPASS="wrong-value")
    assert wrong.code == 2
    assert "401" in wrong.err
    assert "wrong-value" not in wrong.err
