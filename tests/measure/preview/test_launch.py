"""A service for the length of a block: ready in time or a clear error, and nothing of it left."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from ghmlops.core.errors import InputError, ServiceError
from ghmlops.measure.preview import running
from preview_services import Services, wait_until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """A folder for scripts, logs and temporary files."""
    (tmp_path / "temp").mkdir()
    return Services(tmp_path)


def failing(services: Services, kind: str, timeout: float = 30.0, ready: str = "/healthz") -> ServiceError:
    """Start a service that does not become ready, and return the error; nothing may be left of it."""
    before = psutil.Process().children()  # multiprocessing keeps one of its own, if another test needed it
    with (
        pytest.raises(ServiceError) as caught,
        running(
            services.command(kind),
            cwd=services.folder,
            environ=services.environ,
            ready=ready,
            timeout=timeout,
            temp=str(services.folder / "temp"),
        ),
    ):
        pass
    assert services.left() == []
    assert list((services.folder / "temp").iterdir()) == []
    assert psutil.Process().children() == before
    return caught.value


@pytest.mark.parametrize("kind", ["plain", "children", "daemons", "stubborn", "flood", "late", "endless", "early"])
def test_every_kind_of_service_is_ready_and_then_gone(
    services: Services, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forked, double-forked, deaf to SIGTERM or flooding its log: it serves, and afterwards no process is left."""
    monkeypatch.setattr("ghmlops.measure.preview.service.BLOCK_GRACE", 0.3)
    before = psutil.Process().children()
    with running(
        services.command(kind),
        cwd=services.folder,
        environ=services.environ,
        ready="/healthz",
        temp=str(services.folder / "temp"),
    ) as preview:
        assert psutil.pid_exists(preview.pid)
        assert preview.log.parent.parent == services.folder / "temp"
        assert preview.seconds > 0
        assert len(services.left()) >= 1
    assert services.left() == []
    assert list((services.folder / "temp").iterdir()) == []
    assert psutil.Process().children() == before


def test_an_error_in_the_block_ends_the_service(services: Services) -> None:
    """A later step that fails takes the service with it."""
    with (
        pytest.raises(ZeroDivisionError),
        running(services.command("children"), cwd=services.folder, environ=services.environ, ready="/healthz"),
    ):
        _ = 1 / 0
    assert services.left() == []


def test_two_services_do_not_disturb_each_other(services: Services, tmp_path: Path) -> None:
    """Baseline and candidate run side by side; ending one with orphans leaves the other alone."""
    (tmp_path / "b").mkdir()
    other = Services(tmp_path / "b")
    with running(other.command("plain"), cwd=tmp_path, environ=other.environ, ready="/healthz") as first:
        with running(services.command("daemons"), cwd=tmp_path, environ=services.environ, ready="/healthz") as second:
            assert first.url != second.url
        assert services.left() == []
        assert requests.get(f"{first.url}/healthz", timeout=10).status_code == 200
    assert other.left() == []


def test_a_service_that_dies_tells_its_exit_status_and_log(services: Services) -> None:
    """The error has status and the end of the log, printable, with no command for the runner in it."""
    error = failing(services, "dies")
    assert "ended with exit status 3 before it was ready; the end of its log: no model" in error.message
    assert error.message.isprintable()
    assert "##[" not in error.message
    assert error.reason_code == "service-not-ready"


def test_a_service_that_is_killed_tells_the_signal(services: Services) -> None:
    """Not an exit status but the name of the signal; an empty log is said to be empty."""
    error = failing(services, "killed")
    assert "was ended by SIGKILL before it was ready; its log is empty" in error.message


def test_a_port_that_is_taken_is_seen_in_the_log(services: Services) -> None:
    """A service that cannot listen ends, and its own words say why."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        services.folder.joinpath("x").touch()
        environ = {**services.environ, "TAKEN": str(taken.getsockname()[1])}
        with (
            pytest.raises(ServiceError, match="Address already in use"),
            running(services.command("taken"), cwd=services.folder, environ=environ),
        ):
            pass


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("never", "Connection refused; the end of its log: loading"),
        ("mute", "no answer within"),
        ("dripping", "not HTTP|no answer within"),
        ("busy", "answered 503"),
    ],
)
def test_a_service_that_is_never_ready_ends_in_time(services: Services, kind: str, words: str) -> None:
    """Whatever it does instead of answering, the wait is bounded and the last answer is told."""
    error = failing(services, kind, timeout=4.0)
    assert "not ready at http://127.0.0.1:" in error.message
    assert "within 4 s" in error.message
    assert any(word in error.message for word in words.split("|"))


def test_a_redirect_is_not_followed(services: Services) -> None:
    """A path that answers 302 is not ready, and the message says 302."""
    assert "answered 302" in failing(services, "plain", timeout=4.0, ready="/moved").message


def test_a_missing_program_is_named(services: Services) -> None:
    """What cannot be started is an error of the service, with the system's words."""
    with (
        pytest.raises(ServiceError, match="could not be started: No such file or directory"),
        running("no-such-program {port}", cwd=services.folder, environ=services.environ),
    ):
        pass


def test_tokens_and_the_runners_files_are_withheld(services: Services) -> None:
    """The service sees its own variables and PORT, and nothing that gives power over the run."""
    secret = (
        "GHMLOPS_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_URL", "GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY",
        "GITHUB_STATE", "INPUT_TOKEN", "ACTIONS_RESULTS_URL",
    )  # fmt: skip
    environ = {**services.environ, **dict.fromkeys(secret, "hidden"), "MODEL": "m", "RUNNER_TRACKING_ID": "github_x"}
    with running(services.command("plain"), cwd=services.folder, environ=environ, ready="/healthz") as preview:
        shown = requests.get(f"{preview.url}/healthz", timeout=10).text.splitlines()
        supervisor = psutil.Process(preview.pid).environ()
    assert f"PORT={preview.url.rpartition(':')[2]}" in shown
    assert {"MODEL=m", "RUNNER_TRACKING_ID=github_x"} <= set(shown)
    assert [line for line in shown if line.partition("=")[0] in secret] == []
    assert set(secret) & set(supervisor) == set()


def test_modules_of_the_repository_do_not_reach_the_supervisor(services: Services) -> None:
    """A file of the user's called like one of ours is not imported by the process that owns the service."""
    (services.folder / "psutil.py").write_text("raise SystemExit('taken over')\n")
    (services.folder / "msgspec.py").write_text("raise SystemExit('taken over')\n")
    environ = {**services.environ, "PYTHONPATH": str(services.folder)}
    with running(services.command("plain"), cwd=services.folder, environ=environ, ready="/healthz") as preview:
        assert preview.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("command", "ready", "words"),
    [
        ("", "/", "is empty"),
        ("python serve.py", "/", "has no `{port}`"),
        ("python 'serve.py --port {port}", "/", "No closing quotation"),
        ("x {port}", "healthz", "starts with"),
        ("x {port}", "/a b", "starts with"),
        ("x {port}", "/a\r\nHost: evil", "starts with"),
    ],
)
def test_bad_commands_and_paths_are_refused(services: Services, command: str, ready: str, words: str) -> None:
    """Nothing is started, and the input is named."""
    with (
        pytest.raises(InputError, match=words),
        running(
            command, cwd=services.folder, environ=services.environ, ready=ready, temp=str(services.folder / "temp")
        ),
    ):
        pass
    assert list((services.folder / "temp").iterdir()) == []


def test_a_shell_is_never_involved(services: Services) -> None:
    """What a shell would run is handed to the program as text."""
    (services.folder / "show.py").write_text("import sys; print(sys.argv[1:], flush=True); sys.exit(1)")
    with (
        pytest.raises(ServiceError) as caught,
        running(
            f"{sys.executable} show.py '$(touch ran)' ; touch ran {{port}}x",
            cwd=services.folder,
            environ=services.environ,
        ),
    ):
        pass
    assert "['$(touch ran)', ';', 'touch', 'ran'," in caught.value.message
    assert not (services.folder / "ran").exists()


def test_further_signals_do_not_break_the_teardown(services: Services) -> None:
    """Signals while two services that are deaf to SIGTERM are being ended: nothing is left when the starter ends."""
    code = (
        "import contextlib, sys, time, os, signal\nfrom pathlib import Path\n"
        "from ghmlops.measure.preview import running\n"
        "def interrupt(*_):\n    raise KeyboardInterrupt\n"
        "signal.signal(signal.SIGTERM, interrupt); signal.signal(signal.SIGHUP, interrupt)\n"
        "with contextlib.ExitStack() as stack:\n"
        "    for _ in range(2):\n"
        "        stack.enter_context(running(sys.argv[1], cwd=Path('.'), environ=dict(os.environ), ready='/healthz'))\n"
        "    print('ready', flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, services.command("stubborn")],
        env={**os.environ, **services.environ, "TMPDIR": str(services.folder / "temp")},
        cwd=services.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        for further in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.4)
            process.send_signal(further)
        process.wait(30)
        assert services.left() == []
        assert list((services.folder / "temp").iterdir()) == []
    assert process.returncode != 0


def test_a_thread_ends_its_service_too(services: Services) -> None:
    """Elsewhere than in the main thread no signal handler is touched, and the service ends all the same."""
    urls: list[str] = []

    def run() -> None:
        with running(
            services.command("plain"), cwd=services.folder, environ=services.environ, ready="/healthz"
        ) as made:
            urls.append(made.url)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert len(urls) == 1
    assert services.left() == []


def test_the_query_of_the_probe_is_not_told(services: Services) -> None:
    """It may hold a secret."""
    error = failing(services, "plain", timeout=1.0, ready="/nope?token=s3cret")
    assert "/nope within 1 s: answered 404" in error.message
    assert "s3cret" not in error.message


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_service_ends_when_its_starter_is_killed(services: Services, how: signal.Signals) -> None:
    """Even a starter that gets no chance to clean up leaves no process."""
    code = (
        "import sys, time, os\nfrom pathlib import Path\nfrom ghmlops.measure.preview import running\n"
        "with running(sys.argv[1], cwd=Path('.'), environ=dict(os.environ), ready='/healthz'):\n"
        "    print('ready', flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, services.command("daemons")],
        env={**os.environ, **services.environ, "TMPDIR": str(services.folder / "temp")},
        cwd=services.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(how)
    wait_until(lambda: services.left() == [], "the end of the service")
    wait_until(lambda: list((services.folder / "temp").iterdir()) == [], "the end of its folder")
