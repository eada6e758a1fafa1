"""An upstream of nginx, whose servers are in an included file that ghmlops writes, with a checked reload.

nginx has no runtime weights: every change rewrites the file, has nginx check the whole configuration, and reloads it. A
configuration that nginx refuses is taken back. A reload replaces the workers, and may cut requests on kept connections.
A server without traffic is `down`, because nginx has no weight 0.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

from ghmlops.act.files import write_atomically
from ghmlops.core.errors import InputError, ServiceError
from ghmlops.core.promotion.weights import CANDIDATE, POOL, TWIN
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.policy.target import NginxTarget

TIMEOUT = 30.0
"""Seconds for a check or a reload."""
MAX_FILE_BYTES = 1 << 20
"""Bytes of the file of servers."""
_SERVER = re.compile(r"server\s+(?P<address>[^\s;]+)\s+(?:weight=(?P<weight>[0-9]{1,9})|(?P<down>down))\s*;")


class Nginx:
    """One upstream.

    Args:
        settings: Settings of the policy.
        root: Folder of the repository, in which the commands run.
    """

    limit = 256

    def __init__(self, settings: NginxTarget, root: Path) -> None:
        self._settings, self._root, self._file = settings, root, root / settings.servers
        arms = {CANDIDATE: settings.candidate, TWIN: settings.twin, POOL: settings.baseline}
        self._arms = {arm: names for arm, names in arms.items() if names}

    def servers(self) -> dict[str, int]:
        """Return the number of servers of each arm."""
        return {arm: len(names) for arm, names in self._arms.items()}

    def server_weights(self) -> dict[str, tuple[int, ...]]:
        """Return the weights of the file, which are those of the last reload that nginx accepted.

        Raises:
            ServiceError: The file cannot be read, or does not list exactly the servers of the arms.
        """
        weights = self._read()
        return {arm: tuple(weights[name] for name in names) for arm, names in self._arms.items()}

    def ready(self) -> dict[str, int]:
        """Return nothing: nginx does not report which servers are ready."""
        return {}

    def set_weight(self, arm: str, weight: int) -> None:
        """Write the file with the weight of an arm, have it checked, and reload; a refused file is taken back.

        Raises:
            ServiceError: nginx refuses the configuration or the reload, or the file cannot be written.
        """
        before = self._read()
        after = before | dict.fromkeys(self._arms[arm], weight)
        self._write(after)
        try:
            self._run(self._settings.check, "check")
            self._run(self._settings.reload, "reload")
        except ServiceError:
            self._write(before)  # the workers still have the old weights
            raise

    def _read(self) -> dict[str, int]:
        try:
            with self._file.open("rb") as stream:
                text = stream.read(MAX_FILE_BYTES).decode(errors="replace")
        except OSError as error:
            raise self._error(f"cannot be read: {error.strerror}") from None
        rows = re.sub(r"#.*", "", text)
        weights = {m["address"]: int(m["weight"] or 0) for m in _SERVER.finditer(rows)}
        expected = {name for names in self._arms.values() for name in names}
        if _SERVER.sub("", rows).strip() or set(weights) != expected or rows.count(";") != len(weights):
            raise self._error(f"does not list exactly the servers {', '.join(sorted(expected))}")
        return weights

    def _write(self, weights: dict[str, int]) -> None:
        rows = [f"server {name} {f'weight={weight}' if weight else 'down'};\n" for name, weight in weights.items()]
        try:
            write_atomically(self._file, "".join(["# written by ghmlops\n", *rows]))
        except InputError as error:
            raise self._error(f"cannot be written: {error.message}") from None

    def _run(self, command: str, name: str) -> None:
        words = shlex.split(command)
        try:
            done = subprocess.run(words, cwd=self._root, capture_output=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            raise self._failure(name, f"did not finish within {TIMEOUT:g} s") from None
        except OSError as error:
            raise self._failure(name, f"cannot be run: {error.strerror}") from None
        if done.returncode:
            raise self._failure(name, f"failed: {short(done.stderr.decode(errors='replace'), 200)}")

    def _failure(self, name: str, what: str) -> ServiceError:
        return ServiceError(
            f"the command `{name}` of the target nginx {what}",
            hint="run it by hand; the weights are those of before",
            reason_code="target-refused",
        )

    def _error(self, what: str) -> ServiceError:
        return ServiceError(
            f"the file of servers {self._settings.servers} {what}",
            hint="write one line per server, `server HOST:PORT weight=N;` or `server HOST:PORT down;`, and include the "
            "file in the upstream",
            reason_code="target-refused",
        )
