"""CPU time that the hypervisor gave to other machines, from `/proc/stat`."""

from __future__ import annotations

from pathlib import Path

_STEAL, _FIELDS = 7, 8
"""Index of the stolen time among the fields of the line `cpu`, and the number of fields that add up to all time."""


def read_cpu_times(path: Path = Path("/proc/stat")) -> tuple[int, int]:
    """Return stolen and total CPU time since boot in clock ticks; zeros if the system does not report them."""
    try:
        line = path.read_text(encoding="ascii").partition("\n")[0]
        values = [int(word) for word in line.split()[1 : 1 + _FIELDS]]
    except (OSError, ValueError):
        return 0, 0
    return (values[_STEAL], sum(values)) if len(values) == _FIELDS else (0, 0)


def stolen_share(before: tuple[int, int], after: tuple[int, int]) -> float:
    """Return the share of the CPU time between two readings that was stolen."""
    total = after[1] - before[1]
    return min(max(after[0] - before[0], 0) / total, 1.0) if total > 0 else 0.0
