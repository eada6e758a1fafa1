"""Evidence folders of a given size, each of a kind that is expensive to read or to report: a hostile job wrote them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COMMIT = "0" * 39 + "1"
_PROVENANCE = {
    "repository": "acme/scorer",
    "head_sha": COMMIT,
    "run_id": "1",
    "version": "0.1.0",
    "fingerprints": {"policy": "sha256:" + "0" * 64},
}


def _finding(number: int, **fields: Any) -> dict[str, Any]:
    base = {"id": f"f-{number}", "metric": "m", "outcome": "fail", "reason": "r", "docs": "README.md"}
    return base | fields


def _subgroup(number: int) -> dict[str, Any]:
    numbers = dict.fromkeys(("baseline", "candidate", "change", "low", "high"), 0.5)
    row = {"subgroup": f"s={number}", "dataset": "", "metric": "auc", "rows": 9, "p": 0.5, "holm": 0.5, "bh": 0.5}
    return row | numbers | {"outcome": "fail"}


def _timeline(number: int) -> dict[str, Any]:
    numbers = dict.fromkeys(("baseline", "candidate", "low", "high"), 0.5)
    return {"dataset": "", "window": f"w{number}", "metric": f"m{number % 999}", "rows": 9, "outcome": "fail"} | numbers


KINDS: dict[str, tuple[str, Callable[[int], Any]]] = {
    "findings": ("findings", _finding),
    "equal-findings": ("findings", lambda _: _finding(0)),
    "markup": ("findings", lambda n: _finding(n, reason="<@&`|" * 800)),
    "wide-slices": ("findings", lambda n: _finding(n, slice={f"c{i}": "v" for i in range(500)})),
    "long-numbers": ("findings", lambda n: _finding(n, n=int("9" * 4000))),
    "measurements": ("measurements", lambda n: {"id": f"m{n}", "arm": "a", "unit": "ms", "n": 1, "values": {"p50": n}}),
    "kinds-of-values": (
        "measurements",
        lambda n: {"id": "m", "arm": "a", "unit": "ms", "n": 1, "values": {f"v{n}-{i}": 1 for i in range(50)}},
    ),
    "not-measured": ("not_measured", lambda n: {"what": f"w{n}", "why": ""}),
    "fingerprints": ("fingerprints", lambda n: n),
    "subgroups": ("details.slices", _subgroup),
    "timeline": ("details.timeline", _timeline),
}


def document(kind: str, size: int, leg: str = "", count: int | None = None) -> bytes:
    """Return an evidence file of about `size` bytes, or with `count` entries, whose list of a kind is long."""
    place, entry = KINDS[kind]
    evidence: dict[str, Any] = {
        "schema": "ghmlops/evidence/v1",
        "command": "regression",
        "outcome": "fail",
        "provenance": _PROVENANCE | {"started": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")},
        "leg": leg,
        "findings": [_finding(0)],
    }
    entries = list(_entries(entry, size) if count is None else map(entry, range(count)))
    if place == "fingerprints":
        evidence["provenance"]["fingerprints"] = {f"f{n}": "x" for n in entries}
    elif place.startswith("details."):
        evidence["details"] = {"command": "regression", place.removeprefix("details."): entries}
    else:
        evidence[place] = entries
    return json.dumps(evidence, separators=(",", ":")).encode()


def write_folder(folder: Path, kind: str, size: int, files: int = 1, count: int | None = None) -> None:
    """Write a folder of about `size` bytes in all, or with `count` entries in all."""
    folder.mkdir(parents=True)
    for number in range(files):
        leg = f"leg{number}" if files > 1 else ""
        name = f"regression-{leg}.json" if leg else "regression.json"
        (folder / name).write_bytes(document(kind, size // files, leg, None if count is None else count // files))


def _entries(entry: Callable[[int], Any], size: int) -> Iterator[Any]:
    number = total = 0
    while total < size:
        value = entry(number)
        yield value
        total += len(json.dumps(value, separators=(",", ":"))) + (1 if isinstance(value, dict) else 8)
        number += 1
