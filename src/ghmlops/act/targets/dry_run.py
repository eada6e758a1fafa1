"""A target without a router: weights are kept in a file, so that a ladder can be rehearsed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ghmlops.act.files import write_atomically
from ghmlops.core.errors import ServiceError
from ghmlops.core.promotion.weights import ARMS, POOL, TWIN

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.policy.target import DryRunTarget


class DryRun:
    """The weights in a JSON file: arm to weight.

    Args:
        settings: Settings of the policy.
        root: Folder of the repository.
    """

    limit = 1000

    def __init__(self, settings: DryRunTarget, root: Path) -> None:
        self._path = root / settings.file
        self._arms = ARMS if settings.twin else tuple(arm for arm in ARMS if arm != TWIN)

    def servers(self) -> dict[str, int]:
        """Return one server per arm."""
        return dict.fromkeys(self._arms, 1)

    def server_weights(self) -> dict[str, tuple[int, ...]]:
        """Return the weights of the file, one server per arm; see `weights`."""
        return {arm: (weight,) for arm, weight in self.weights().items()}

    def ready(self) -> dict[str, int]:
        """Return one ready server per arm."""
        return self.servers()

    def weights(self) -> dict[str, int]:
        """Return the weights of the file; without a file the pool has all traffic.

        Raises:
            ServiceError: The file cannot be read, or holds no weights of these arms.
        """
        try:
            content = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {arm: self.limit if arm == POOL else 0 for arm in self._arms}
        except (OSError, ValueError, RecursionError):
            content = None
        if not (
            isinstance(content, dict)
            and set(content) == set(self._arms)
            and all(type(weight) is int and 0 <= weight <= self.limit for weight in content.values())
        ):
            raise ServiceError(
                f"{self._path.name} holds no weights of the arms {', '.join(self._arms)}",
                hint="remove the file; without it the pool has all traffic",
                reason_code="bad-weights",
            )
        return {arm: content[arm] for arm in self._arms}

    def set_weight(self, arm: str, weight: int) -> None:
        """Write the file with one changed weight."""
        write_atomically(self._path, json.dumps({**self.weights(), arm: weight}, indent=2) + "\n")
