"""The line of a policy that a finding is about, so that an annotation appears beside the limit that was exceeded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import PolicyError
from ghmlops.core.policyfile.yaml_reader import Located, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ghmlops.core.model import Finding

_SETTINGS = {"slice": "slices", "window": "window", "search": "search", "drift": "drift", "contract": "key"}
"""Key of the section by the first word of a finding's id."""
_LISTS = ("slo", "margins")
"""Tables of limits by metric."""


def key_lines(text: str) -> dict[str, int]:
    """Return the line of each key by its path (`latency.slo.p99`); empty if the text is not a valid document."""
    try:
        return dict(_lines(parse(text, "policy")))
    except PolicyError:
        return {}


def _lines(at: Located) -> Iterator[tuple[str, int]]:
    if isinstance(at.value, dict):
        for entry in at.value.values():
            yield entry.path, entry.line
            yield from _lines(entry)


def finding_line(finding: Finding, command: str, lines: Mapping[str, int]) -> int:
    """Return the line of the limit of a finding, else of its setting, else of its section, else 1.

    Args:
        finding: The finding.
        command: The command whose evidence contains it, which is the name of its section; empty for those of the gate.
        lines: Result of `key_lines`.
    """
    section, metric = command or "gate", finding.metric
    is_objective = finding.id.startswith("objective")
    paths = [f"{section}.{name}.{metric}" for name in (_LISTS if is_objective else _LISTS[::-1])]
    paths.append(f"{section}.{_SETTINGS.get(finding.id.partition('-')[0], metric)}")
    paths += [f"{section}.{name}" for name in (_LISTS if is_objective else ())]
    return next((lines[path] for path in (*paths, section) if path in lines), 1)
