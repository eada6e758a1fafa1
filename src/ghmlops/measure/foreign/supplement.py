"""Facts about a run that the user and the policy supply in addition to the result file."""

from __future__ import annotations

from dataclasses import dataclass

from ghmlops.core.errors import InputError
from ghmlops.core.histograms.hlog import UNITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplement:
    """Inputs that complete a result file.

    Attributes:
        unit: Unit of the times, a key of `UNITS`, for files that do not state it; empty if the input is not set.
        failed: Number of failed requests, for files that do not count them; `None` if the input is not set.
        planned: Number of requests that were to be sent; `None` if the input is not set.
        statuses: HTTP statuses that the policy expects; if empty, any 2xx status is a success.
    """

    unit: str = ""
    failed: int | None = None
    planned: int | None = None
    statuses: tuple[int, ...] = ()

    def is_success(self, status: int) -> bool:
        """Return whether an answer with this HTTP status is a success."""
        return status in self.statuses if self.statuses else 200 <= status <= 299

    def resolve_unit(self, file_unit: str) -> str:
        """Return the unit of the times: the one that the file states, or else the input `unit`.

        Raises:
            InputError: The input is not a unit, both are empty, or they differ.
        """
        if self.unit and self.unit not in UNITS:
            raise InputError(f"input `unit`: {self.unit[:40]!r} is not a unit", hint=f"use one of {', '.join(UNITS)}")
        if not (file_unit or self.unit):
            raise InputError("the file does not state the unit of its times", hint="pass --unit ns, us, ms or s")
        if file_unit and self.unit and file_unit != self.unit:
            raise InputError(
                f"input `unit`: the times of this file are in {file_unit}, not {self.unit}", hint="omit --unit"
            )
        return file_unit or self.unit

    def require_unit_unset(self, tool: str) -> None:
        """Check that the input `unit` is unset, for a tool whose files state it but do not count all failures.

        Raises:
            InputError: `unit` is set.
        """
        if self.unit:
            raise InputError(f"input `unit`: the file of {tool} states it already", hint="omit --unit")

    def require_unset(self, tool: str) -> None:
        """Check that the inputs `unit` and `failed` are unset, for a tool whose files state both.

        Raises:
            InputError: `unit` or `failed` is set.
        """
        for name, value in (("unit", self.unit or None), ("failed", self.failed)):
            if value is not None:
                raise InputError(f"input `{name}`: the file of {tool} states it already", hint=f"omit --{name}")
