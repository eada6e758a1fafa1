"""The process around the command line: signals from the first import on, closed streams, small address spaces."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMAND = [sys.executable, "-m", "ghmlops"]
CONSOLE_SCRIPT = [sys.executable, "-c", "import sys; from ghmlops.__main__ import main; sys.exit(main())"]
NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GHMLOPS_"))}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("module", ["msgspec", "ghmlops.cli", "ghmlops.commands.policy", "ghmlops.core.context"])
def test_a_signal_during_any_import_ends_in_130(module: str, number: signal.Signals, tmp_path: Path) -> None:
    """The signal arrives when a module is looked up, long before a command runs: no traceback."""
    (tmp_path / "sitecustomize.py").write_text(
        textwrap.dedent(f"""
            import os, sys
            class Finder:
                def find_spec(self, name, path=None, target=None):
                    if name == {module!r} and "ghmlops" in sys.modules:
                        os.kill(os.getpid(), {int(number)})
            sys.meta_path.insert(0, Finder())
        """)
    )
    environ = _environment() | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [*COMMAND, "policy", "check"], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [COMMAND, CONSOLE_SCRIPT])
def test_a_signal_at_any_moment_ends_in_130_or_with_the_result(command: list[str], tmp_path: Path) -> None:
    """Signals after 40 to 400 ms: 130, or the exit code of a run that ended before; never a traceback."""
    codes = set()
    for milliseconds in range(40, 400, 30):
        process = subprocess.Popen(
            [*command, "policy", "check"], env=_environment(), cwd=tmp_path, stderr=subprocess.PIPE, text=True
        )
        time.sleep(milliseconds / 1e3)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=30)
        codes.add(process.returncode)
        assert "Traceback" not in stderr
    # Before Python runs the first line of the program, the system ends it.
    assert codes <= {130, 2, -signal.SIGTERM}


def _close(*numbers: int) -> Callable[[], None]:
    def close() -> None:
        for number in numbers:
            os.close(number)

    return close


@pytest.mark.parametrize("numbers", [(2,), (1, 2), (0, 1, 2), (0,), (1,)])
def test_closed_standard_streams_change_no_exit_code(numbers: tuple[int, ...], tmp_path: Path) -> None:
    """Exit code 2 for bad input and 0 for `--version`, and no file gets the number of a standard stream."""
    for arguments, code in ((["policy", "check"], 2), (["--version"], 0)):
        done = subprocess.run(
            [*COMMAND, *arguments], env=_environment(), cwd=tmp_path, preexec_fn=_close(*numbers), check=False
        )
        assert done.returncode == code


@pytest.mark.parametrize("device", ["/dev/full", "pipe"])
def test_a_standard_error_that_cannot_be_written_changes_no_exit_code(device: str, tmp_path: Path) -> None:
    """A full disk or a reader that is gone: the line is lost, the exit code is not."""
    if device == "pipe":
        reader, stream = os.pipe()
        os.close(reader)
    else:
        stream = os.open(device, os.O_WRONLY)
    done = subprocess.run([*COMMAND, "policy", "check"], env=_environment(), cwd=tmp_path, stderr=stream, check=False)
    os.close(stream)
    assert done.returncode == 2


@pytest.mark.parametrize("mebibytes", [60, 100, 150, 250, 400, 700])
def test_a_small_address_space_is_never_a_verdict(mebibytes: int, tmp_path: Path) -> None:
    """A command that runs out of memory ends with 2, not with the 1 of a failed check."""
    (tmp_path / "evidence").mkdir()
    size = mebibytes * 1024 * 1024
    done = subprocess.run(
        [*COMMAND, "report", "--comment", "off"],
        env=_environment() | {"GITHUB_SHA": "0" * 39 + "1"},
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 2)


@pytest.mark.parametrize("command", ["regression", "check"])
@pytest.mark.parametrize("mebibytes", [200, 500])
def test_a_measuring_command_refuses_a_small_address_space(command: str, mebibytes: int, tmp_path: Path) -> None:
    """OpenBLAS ends a process that cannot allocate with exit code 1, which would read as a failed check."""
    size = mebibytes * 1024 * 1024
    done = subprocess.run(
        [*COMMAND, command],
        env=_environment(),
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"{size:,}" in done.stderr
    assert done.stderr.count("\n") == 1
