"""The supervisor of a service: isolated from the repository, and independent of its starter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ghmlops.measure.preview import running
from preview_services import Services, wait_until

if TYPE_CHECKING:
    pass


def test_modules_of_the_repository_do_not_reach_the_supervisor(services: Services) -> None:
    """The supervisor does not import a module of the repository that has the name of a package."""
    (services.folder / "psutil.py").write_text("raise SystemExit('taken over')\n")
    (services.folder / "msgspec.py").write_text("raise SystemExit('taken over')\n")
    environ = {**services.environ, "PYTHONPATH": str(services.folder)}
    with running(services.command("plain"), cwd=services.folder, environ=environ, ready="/healthz") as preview:
        assert preview.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_service_ends_when_its_starter_is_killed(services: Services, number: signal.Signals) -> None:
    """The supervisor terminates the service if its starter is killed and cannot clean up."""
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
        process.send_signal(number)
    wait_until(lambda: services.running_processes() == [], "the end of the service")
    wait_until(lambda: list((services.folder / "temp").iterdir()) == [], "the end of its folder")
