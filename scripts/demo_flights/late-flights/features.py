"""Features of a flight. Training and serving both call `row`, so that their features are equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBERS = ("distance", "hour", "month", "weekday")
WORDS = ("carrier", "origin", "dest")
UNKNOWN = -1.0


def row(flight: Mapping[str, Any], vocabulary: Mapping[str, Mapping[str, int]]) -> list[float]:
    """Return the features of one flight at the moment it leaves the gate.

    Args:
        flight: Values by column: `dep_delay` in minutes, `distance` in miles, `hour` 0-23, `month` 1-12, `weekday` 1-7,
            and the codes `carrier`, `origin`, `dest`.
        vocabulary: Column -> code -> number, as assigned in training; an unknown code becomes `UNKNOWN`.
    """
    numbers = [departure_delay(flight), *(float(flight[name]) for name in NUMBERS)]
    return numbers + [vocabulary[name].get(flight[name], UNKNOWN) for name in WORDS]


def departure_delay(flight: Mapping[str, Any]) -> float:
    """Return the delay of the departure in minutes, negative if it was early."""
    return float(flight["dep_delay"])
