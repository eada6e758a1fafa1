"""`scripts/launcher.sh`, the program that `install.sh` installs: signals, streams, exit codes, leftovers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]


def _launcher(root: Path, folder: Path, program: str | None = None) -> Path:
    """Return a launcher whose Python runs a program instead of ghmlops, or ghmlops if there is none."""
    (folder / "bin").mkdir()
    python = folder / "bin" / "python"
    arguments = '"$@"' if program is None else '-I "${0%/*}/program.py"'
    python.write_text(f"#!/bin/sh\nexec {sys.executable} {arguments}\n")
    (folder / "bin" / "program.py").write_text(textwrap.dedent(program or ""))
    shutil.copy(root / "scripts" / "launcher.sh", folder / "ghmlops")
    for path in (python, folder / "ghmlops"):
        path.chmod(0o755)
    return folder / "ghmlops"


def _usual_signals() -> None:
    """Undo what a caller in the background of a script passes on: SIGINT and SIGQUIT are ignored there."""
    for number in (*NUMBERS, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def _without_input() -> None:
    _usual_signals()
    os.close(0)


def _start(command: list[str | Path], **options: object) -> subprocess.Popen[str]:
    options = {"preexec_fn": _usual_signals, **options}
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GHMLOPS_"))}
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=environ, text=True, start_new_session=True, **{**streams, **options})  # type: ignore[call-overload,no-any-return]


def _status(process: subprocess.Popen[str], field: str) -> str:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(field))


def _wait_for_traps(process: subprocess.Popen[str]) -> None:
    """Wait until the shell has read its first command, which catches the signals."""
    traps = sum(1 << (number - 1) for number in NUMBERS)
    while process.poll() is None and int(_status(process, "SigCgt"), 16) & traps != traps:
        time.sleep(0.0002)


def _wait_for_shell(process: subprocess.Popen[str]) -> None:
    """Wait until the shell has handled its signals and waits for Python again, or has ended."""
    while process.poll() is None and (int(_status(process, "ShdPnd"), 16) or _status(process, "State") != "S"):
        time.sleep(0.0002)


def _assert_nothing_left(process: subprocess.Popen[str]) -> None:
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["process", "group"])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_at_any_moment_ends_in_130(
    number: signal.Signals, send: Callable[[int, int], None], root: Path, tmp_path: Path
) -> None:
    """From the first command of the launcher to the end of the run: 130 or the result, and no process is left."""
    launcher = _launcher(root, tmp_path)
    codes = []
    for milliseconds in (0, 1, 2, 5, 10, 20, 40, 80, 160):
        process = _start([launcher, "policy", "check"], cwd=tmp_path)
        _wait_for_traps(process)
        time.sleep(milliseconds / 1e3)
        send(process.pid, number)
        _, stderr = process.communicate(timeout=60)
        codes.append(process.returncode)
        assert "Traceback" not in stderr
        _assert_nothing_left(process)
    assert set(codes) <= {130, 2}
    assert 130 in codes


@pytest.mark.parametrize("shell", SHELLS)
def test_a_signal_before_python_handles_it_is_repeated(shell: str, root: Path, tmp_path: Path) -> None:
    """A signal that the new process loses arrives again as soon as Python reports that it handles signals."""
    program = """
        import os, signal, sys
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("early", flush=True)
        sys.stdin.readline()
        signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
        os.kill(int(os.environ["GHMLOPS_LAUNCHER"]), signal.SIGCONT)
        signal.pause()
    """
    launcher = _launcher(root, tmp_path, program)
    process = _start([shell, *(["sh"] if shell == "busybox" else []), launcher])
    assert process.stdout is not None
    assert process.stdout.readline() == "early\n"
    process.send_signal(signal.SIGINT)
    _wait_for_shell(process)  # bash loses one of two signals that arrive at once; dash and BusyBox do not
    process.communicate("\n", timeout=60)
    assert process.returncode == 7


@pytest.mark.parametrize("number", NUMBERS)
def test_python_that_handles_no_signal_yet_ends_in_130(number: signal.Signals, root: Path, tmp_path: Path) -> None:
    """A signal that terminates the interpreter itself is an interrupt; SIGKILL, for lack of memory, is not."""
    launcher = _launcher(root, tmp_path, 'import signal; print("started", flush=True); signal.pause()')
    for sent, code in ((number, 130), (signal.SIGKILL, 137)):
        process = _start([launcher])
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        if sent is signal.SIGKILL:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(children[0]), sent)
        else:
            process.send_signal(sent)
        process.communicate(timeout=60)
        assert process.returncode == code
        _assert_nothing_left(process)


@pytest.mark.parametrize("shell", SHELLS)
def test_streams_arguments_and_exit_codes_are_those_of_python(shell: str, root: Path, tmp_path: Path) -> None:
    """Standard input reaches Python, also a closed one; arguments are not split; descriptor 9 is not passed on."""
    program = """
        import os, sys
        try:
            os.fstat(9)
        except OSError:
            print(repr(sys.stdin.read()), os.getpgid(0) == os.getpgid(os.getppid()))
        print("message", file=sys.stderr)
        sys.exit(3)
    """
    command: list[str | Path] = [shell, *(["sh"] if shell == "busybox" else []), _launcher(root, tmp_path, program)]
    process = _start(command)
    assert process.communicate("one\ntwo", timeout=60) == ("'one\\ntwo' True\n", "message\n")
    assert process.returncode == 3
    process = _start(command, stdin=None, preexec_fn=_without_input)
    assert process.communicate(timeout=60) == ("'' True\n", "message\n")
    assert process.returncode == 3


def test_no_process_outlives_a_killed_launcher(root: Path, tmp_path: Path) -> None:
    """SIGKILL cannot be passed on: Python ends by itself, as on SIGTERM, and its signals are as without a launcher."""
    program = """
        import os, signal
        from ghmlops import __main__ as entry
        entry._leave_on_signals()
        entry._follow_launcher(os.environ.pop(entry.LAUNCHER))
        print(os.getpid(), signal.getsignal(signal.SIGQUIT).name, flush=True)
        signal.pause()
    """
    process = _start([_launcher(root, tmp_path, program)])
    assert process.stdout is not None
    python, handler = process.stdout.readline().split()
    assert int(python) != process.pid
    assert handler == "SIG_DFL"
    process.kill()
    # Standard output ends with its last writer.
    assert process.communicate(timeout=60) == ("", "")


def test_a_launcher_in_the_background_of_a_script_is_replaced_by_python(root: Path, tmp_path: Path) -> None:
    """A shell cannot catch a signal that its caller ignores; Python handles it, and is the process itself."""

    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGQUIT, signal.SIG_IGN)

    process = _start([_launcher(root, tmp_path, "import os; print(os.getpid())")], preexec_fn=ignore)
    out, _ = process.communicate(timeout=60)
    assert int(out) == process.pid
