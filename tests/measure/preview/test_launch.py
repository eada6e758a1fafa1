"""The command, the environment and the log of a service."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from ghmlops.core.errors import InputError, ServiceError
from ghmlops.measure.preview import running
from preview_services import Services

if TYPE_CHECKING:
    pass


def test_a_port_in_use_is_reported_from_the_log(services: Services) -> None:
    """The log of a service that cannot listen is part of the message."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        services.folder.joinpath("x").touch()
        environ = {**services.environ, "BUSY_PORT": str(listener.getsockname()[1])}
        with (
            pytest.raises(ServiceError, match="Address already in use"),
            running(services.command("port-in-use"), cwd=services.folder, environ=environ),
        ):
            pass


def test_a_missing_program(services: Services) -> None:
    """A command that cannot be started is an error of the service with the message of the system."""
    with (
        pytest.raises(ServiceError, match=r"no-such-program.*No such file or directory"),
        running("no-such-program {port}", cwd=services.folder, environ=services.environ),
    ):
        pass


def test_tokens_and_the_runners_files_are_withheld(services: Services) -> None:
    """The service receives its variables and PORT, but no token and no file of the runner."""
    secret = (
        "GHMLOPS_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_URL", "GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY",
        "GITHUB_STATE", "INPUT_TOKEN", "ACTIONS_RESULTS_URL",
    )  # fmt: skip
    environ = {**services.environ, **dict.fromkeys(secret, "hidden"), "MODEL": "m", "RUNNER_TRACKING_ID": "github_x"}
    with running(services.command("plain"), cwd=services.folder, environ=environ, ready="/healthz") as preview:
        variables = requests.get(f"{preview.url}/healthz", timeout=10).text.splitlines()
        supervisor = psutil.Process(preview.pid).environ()
    assert f"PORT={preview.url.rpartition(':')[2]}" in variables
    assert {"MODEL=m", "RUNNER_TRACKING_ID=github_x"} <= set(variables)
    assert [line for line in variables if line.partition("=")[0] in secret] == []
    assert set(secret) & set(supervisor) == set()


@pytest.mark.parametrize(
    ("command", "ready", "words"),
    [
        ("", "/", "`command`.*empty"),
        ("python serve.py", "/", "`command`.*`{port}`"),
        ("python 'serve.py --port {port}", "/", "No closing quotation"),
        ("x {port}", "healthz", "`ready`"),
        ("x {port}", "/a b", "`ready`"),
        ("x {port}", "/a\r\nHost: evil", "`ready`"),
    ],
)
def test_bad_commands_and_paths_are_refused(services: Services, command: str, ready: str, words: str) -> None:
    """Nothing is started, and the message names the input."""
    with (
        pytest.raises(InputError, match=words),
        running(
            command, cwd=services.folder, environ=services.environ, ready=ready, temp=str(services.folder / "temp")
        ),
    ):
        pass
    assert list((services.folder / "temp").iterdir()) == []


def test_a_shell_is_never_involved(services: Services) -> None:
    """The syntax of a shell is passed to the program as text."""
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


def test_the_error_has_the_exit_status_and_the_log(services: Services) -> None:
    """The message contains the status and the end of the log, printable and without a command for the runner."""
    error = services.start_failure("dies")
    assert "exit status 3" in error.message
    assert "no model" in error.message
    assert error.message.isprintable()
    assert "##[" not in error.message
    assert error.reason_code == "service-not-ready"


def test_the_error_has_the_name_of_the_signal(services: Services) -> None:
    """A killed service is reported with the signal, and an empty log as empty."""
    error = services.start_failure("killed")
    assert "SIGKILL" in error.message
    assert error.message.endswith("log is empty")
