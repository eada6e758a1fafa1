"""Replicas behind own commands: set once, read back, and never over somebody else's change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.act.targets.scaling import open_service
from ghmlops.core.errors import ServiceError
from ghmlops.core.policy.production.scale import ScaledCommand

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.act.targets.scaling import ScaledService

SCRIPT = """\
#!/bin/sh
case $1 in
get) cat replicas ;;
set) echo "$2" >>calls; {set} ;;
esac
"""
WRITE = 'echo "$2" >replicas'


def service(folder: Path, setting: str = WRITE, *, timeout: float = 5.0) -> ScaledService:
    """Return a service with 4 replicas, whose command `set` does `setting`."""
    (folder / "tool").write_text(SCRIPT.replace("{set}", setting))
    (folder / "tool").chmod(0o755)
    (folder / "replicas").write_text("4\n")
    return open_service(ScaledCommand(get="./tool get", set="./tool set {replicas}", timeout=timeout), folder)


def calls(folder: Path) -> list[str]:
    """Return the numbers that were set."""
    file = folder / "calls"
    return file.read_text().split() if file.exists() else []


def test_replicas_are_read_and_set(tmp_path: Path) -> None:
    """Which are ready is not known."""
    target = service(tmp_path)
    target.check()
    assert target.read() == (4, None)
    target.set(6)
    assert (target.read().desired, calls(tmp_path)) == (6, ["6"])


@pytest.mark.parametrize("loss", ["exit 3", "exec sleep 60"])
def test_a_lost_answer_is_looked_up(tmp_path: Path, loss: str) -> None:
    """The number was set, and the command failed or hung afterwards: it is not run again."""
    target = service(tmp_path, f"{WRITE}; {loss}", timeout=1.0)
    target.read()
    target.set(6)
    assert calls(tmp_path) == ["6"]


@pytest.mark.parametrize("setting", ["exit 3", ":", "echo 9 >replicas"])
def test_a_number_that_is_another_one_afterwards(tmp_path: Path, setting: str) -> None:
    """A refusal, a command that does nothing, and somebody else."""
    target = service(tmp_path, setting)
    target.read()
    with pytest.raises(ServiceError):
        target.set(6)
    assert calls(tmp_path) == ["6"]


def test_a_change_since_the_number_was_read(tmp_path: Path) -> None:
    """It is theirs: nothing is set."""
    target = service(tmp_path)
    target.read()
    (tmp_path / "replicas").write_text("7\n")
    with pytest.raises(ServiceError) as caught:
        target.set(6)
    assert (caught.value.reason_code, calls(tmp_path)) == ("target-conflict", [])


@pytest.mark.parametrize("text", ["", "four", "-1", "4 5", "99999999999"])
def test_what_is_no_number(tmp_path: Path, text: str) -> None:
    """It is named, and never 0."""
    target = service(tmp_path)
    (tmp_path / "replicas").write_text(text)
    with pytest.raises(ServiceError) as caught:
        target.read()
    assert caught.value.reason_code == "bad-servers"
