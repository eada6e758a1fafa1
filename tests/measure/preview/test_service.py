"""A service for the length of a block: it is ready in the block, and no process remains after it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from ghmlops.measure.preview import running
from preview_services import Services

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", ["plain", "children", "daemons", "stubborn", "flood", "late", "endless", "early"])
def test_every_kind_of_service_is_ready_and_then_terminated(
    services: Services, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that forks, ignores SIGTERM or floods its log is ready; no process remains after the block."""
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
        assert len(services.running_processes()) >= 1
    assert services.running_processes() == []
    assert list((services.folder / "temp").iterdir()) == []
    assert psutil.Process().children() == before


def test_an_error_in_the_block_ends_the_service(services: Services) -> None:
    """The service is terminated if the block raises."""
    with (
        pytest.raises(ZeroDivisionError),
        running(services.command("children"), cwd=services.folder, environ=services.environ, ready="/healthz"),
    ):
        _ = 1 / 0
    assert services.running_processes() == []


def test_two_services_do_not_disturb_each_other(services: Services, tmp_path: Path) -> None:
    """Baseline and candidate run at the same time; terminating one with orphans does not affect the other."""
    (tmp_path / "b").mkdir()
    other = Services(tmp_path / "b")
    with running(other.command("plain"), cwd=tmp_path, environ=other.environ, ready="/healthz") as first:
        with running(services.command("daemons"), cwd=tmp_path, environ=services.environ, ready="/healthz") as second:
            assert first.url != second.url
        assert services.running_processes() == []
        assert requests.get(f"{first.url}/healthz", timeout=10).status_code == 200
    assert other.running_processes() == []


def test_further_signals_do_not_interrupt_the_teardown(services: Services) -> None:
    """Signals during the termination of two services that ignore SIGTERM are deferred; no process remains."""
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
        assert services.running_processes() == []
        assert list((services.folder / "temp").iterdir()) == []
    assert process.returncode != 0


def test_a_thread_terminates_its_service(services: Services) -> None:
    """In a thread other than the main one no signal handler is replaced, and the service is terminated."""
    urls: list[str] = []

    def run() -> None:
        with running(
            services.command("plain"), cwd=services.folder, environ=services.environ, ready="/healthz"
        ) as preview:
            urls.append(preview.url)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert len(urls) == 1
    assert services.running_processes() == []
