"""A target behind own commands: one sets the weight of an arm, one prints it."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

from ghmlops.core.errors import ServiceError
from ghmlops.core.promotion.weights import ARMS, TWIN
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ghmlops.core.policy.target import CommandTarget

MAX_SERVERS = 1_000_000
"""Largest number of servers of an arm that is taken for a number."""
WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")


class Command:
    """Commands of the policy of the trusted branch, run without a shell.

    Args:
        settings: Settings of the policy.
        root: Folder of the repository, in which the commands run.
    """

    def __init__(self, settings: CommandTarget, root: Path) -> None:
        self._settings, self._root = settings, root
        self._arms = ARMS if settings.twin else tuple(arm for arm in ARMS if arm != TWIN)
        self.limit = settings.limit

    def servers(self) -> dict[str, int]:
        """Return one server per arm."""
        return dict.fromkeys(self._arms, 1)

    def server_weights(self) -> dict[str, tuple[int, ...]]:
        """Return the weights that the command `get` prints."""
        return {arm: (self._number("get", arm, self.limit),) for arm in self._arms}

    def ready(self) -> dict[str, int]:
        """Return the numbers that the command `ready` prints; nothing without such a command."""
        if not self._settings.ready:
            return {}
        return {arm: self._number("ready", arm, MAX_SERVERS) for arm in self._arms}

    def set_weight(self, arm: str, weight: int) -> None:
        """Run the command `set`."""
        self._run(self._settings.set, arm=arm, weight=str(weight))

    def scale(self, arm: str, replicas: int) -> None:
        """Run the command `scale`."""
        self._run(self._settings.scale, arm=arm, replicas=str(replicas))

    def _number(self, name: str, arm: str, largest: int) -> int:
        output = self._run(getattr(self._settings, name), arm=arm).strip()
        if not WHOLE_NUMBER.fullmatch(output) or int(output) > largest:
            raise ServiceError(
                f'the command `{name}` of the target printed "{short(output, 80)}" for the {arm}, not a number of at '
                f"most {largest}",
                hint="it prints a whole number",
                reason_code="bad-weights" if name == "get" else "bad-servers",
            )
        return int(output)

    def _run(self, command: str, **values: str) -> str:
        return run_command(command, values, root=self._root, timeout=self._settings.timeout)


def run_command(command: str, values: Mapping[str, str], *, root: Path, timeout: float) -> str:
    """Run a command of a target without a shell, and return what it prints.

    Args:
        command: The command; `{name}` in its words is replaced by the value of that name.
        values: Values by name.
        root: Folder in which it runs.
        timeout: Seconds after which it is ended.

    Raises:
        ServiceError: It cannot be run, fails, or does not finish in time.
    """
    words = [_filled(word, values) for word in shlex.split(command)]
    try:
        process = subprocess.run(words, cwd=root, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise ServiceError(
            f"the command `{words[0]}` of the target did not finish within {timeout:g} s",
            hint="raise `timeout` of the target, or repair the command",
        ) from None
    except OSError as error:
        raise ServiceError(
            f"the command `{words[0]}` of the target cannot be run: {error.strerror}", hint="is it executable?"
        ) from None
    if process.returncode:
        text = short(process.stderr.decode(errors="replace"), 200)
        raise ServiceError(
            f"the command `{words[0]}` of the target failed with exit code {process.returncode}: {text}",
            hint="run it by hand with the same values",
        )
    return process.stdout.decode(errors="replace")


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word
