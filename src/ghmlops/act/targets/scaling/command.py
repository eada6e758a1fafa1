"""A service behind own commands: one prints the number of replicas, one sets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.act.targets.command import MAX_SERVERS, WHOLE_NUMBER, run_command
from ghmlops.act.targets.scaling.base import Replicas
from ghmlops.core.errors import ServiceError
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.policy.production.scale import ScaledCommand


class CommandService:
    """Commands of the policy, run without a shell.

    Args:
        settings: Settings of the policy.
        root: Folder of the repository, in which the commands run.
    """

    def __init__(self, settings: ScaledCommand, root: Path) -> None:
        self._settings, self._root = settings, root
        self._first: int | None = None

    def read(self) -> Replicas:
        """Return the number that the command `get` prints; which replicas are ready is not known."""
        self._first = self._get()
        return Replicas(self._first, None)

    def check(self) -> None:
        """Check nothing: a command knows no other owners."""

    def set(self, replicas: int) -> None:
        """Run the command `set` once, and read the number back: a lost answer is no reason to run it again.

        Raises:
            ServiceError: The number was changed since `read`, a command fails, or the number is another one afterwards.
        """
        present = self._get()
        if self._first is not None and present != self._first:
            raise _conflict(f"the target had {self._first} replicas, and has {present} now")
        problem: ServiceError | None = None
        try:
            run_command(
                self._settings.set, {"replicas": str(replicas)}, root=self._root, timeout=self._settings.timeout
            )
        except ServiceError as error:
            problem = error
        present = self._get()
        if present != replicas:
            raise problem or _conflict(f"the target accepted {replicas} replicas, and has {present}")

    def _get(self) -> int:
        output = run_command(self._settings.get, {}, root=self._root, timeout=self._settings.timeout).strip()
        if not WHOLE_NUMBER.fullmatch(output) or int(output) > MAX_SERVERS:
            raise ServiceError(
                f'the command `get` of the target printed "{short(output, 80)}", not a number of at most {MAX_SERVERS}',
                hint="it prints the number of replicas as a whole number",
                reason_code="bad-servers",
            )
        return int(output)


def _conflict(what: str) -> ServiceError:
    return ServiceError(what, hint="does somebody else scale it too?", reason_code="target-conflict")
