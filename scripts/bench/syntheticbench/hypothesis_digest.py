"""Prints the version of Hypothesis and the digest of rows that it generates from the profile of a payload file."""

import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from ghmlops.core.synthetic.rows.profile import NUMERIC, Field, Kind, profile_of

ROWS = 200


def values(field: Field) -> st.SearchStrategy[Any]:
    """Return the strategy of a field: its range, its categories, or texts of its lengths."""
    if field.kind is Kind.INTEGER:
        return st.integers(int(field.low), int(field.high))
    if field.kind in NUMERIC:
        return st.floats(field.low, field.high)
    if field.kind is Kind.BOOLEAN:
        return st.booleans()
    if field.kind is Kind.TEXT:
        letters = st.characters(min_codepoint=32, max_codepoint=126)
        return st.text(letters, min_size=field.shortest, max_size=field.longest)
    return st.sampled_from(field.values) if field.values else st.none()


if __name__ == "__main__":
    payloads = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    fields = profile_of(payloads).fields
    rows: list[dict[str, Any]] = []

    @seed(2026)
    @settings(database=None, max_examples=ROWS, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.fixed_dictionaries({path: values(field) for path, field in fields.items()}))
    def _draw(row: dict[str, Any]) -> None:
        rows.append(row)

    _draw()
    print(version("hypothesis"), hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16])
