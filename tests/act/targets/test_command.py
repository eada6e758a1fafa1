"""Own commands: failures of every kind are one line, and no value reaches a shell."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.targets.command import Command
from ghmlops.core.errors import ServiceError
from ghmlops.core.policy.target import CommandTarget

if TYPE_CHECKING:
    from pathlib import Path


def command(get: str, root: Path, *, timeout: float = 10.0) -> Command:
    """Return a target whose commands run a line of Python."""
    words = f"'{sys.executable}' -c '{get}' {{arm}}"
    return Command(CommandTarget(set=f"{words} {{weight}}", get=words, timeout=timeout), root)


@pytest.mark.parametrize(
    "output",
    ["", "many", "-1", "1.5", "101", "1 2", "9" * 20, "\\x00"],
)
def test_an_output_that_is_no_weight(tmp_path: Path, output: str) -> None:
    """The output is shown, cut short, and its arm named."""
    with pytest.raises(ServiceError) as caught:
        command(f'print("{output}")', tmp_path).server_weights()
    assert caught.value.reason_code == "bad-weights"
    assert "candidate" in caught.value.message
    assert "\n" not in caught.value.message


def test_a_command_that_fails(tmp_path: Path) -> None:
    """Exit code and the text on standard error."""
    with pytest.raises(ServiceError, match="exit code 3: no router") as caught:
        command('import sys; print("no router", file=sys.stderr); sys.exit(3)', tmp_path).set_weight("pool", 5)
    assert "\n" not in caught.value.message


def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    """The limit is named."""
    with pytest.raises(ServiceError, match=r"0\.2 s"):
        command("import time; time.sleep(60)", tmp_path, timeout=0.2).server_weights()


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    """Its name is in the message."""
    target = Command(CommandTarget(set="./absent {arm} {weight}", get="./absent {arm}"), tmp_path)
    with pytest.raises(ServiceError, match="absent"):
        target.server_weights()


def test_words_are_not_split_again(tmp_path: Path) -> None:
    """A placeholder fills a word and never adds one, and no shell sees the command."""
    (tmp_path / "a b.py").write_text("import sys; print(len(sys.argv), file=open('count', 'w'))")
    target = Command(
        CommandTarget(set=f"'{sys.executable}' 'a b.py' '{{arm}};id' {{weight}}", get="true {arm}"), tmp_path
    )
    target.set_weight("pool", 1)
    assert (tmp_path / "count").read_text().strip() == "3"
