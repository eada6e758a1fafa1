"""The rehearsal keeps its weights in a file that a person may damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.act.targets.dry_run import DryRun
from ghmlops.core.errors import ServiceError
from ghmlops.core.policy.target import DryRunTarget

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"candidate": 1}',
        '{"candidate": -1, "twin": 0, "pool": 1}',
        '{"candidate": true, "twin": 0, "pool": 1}',
        '{"candidate": 1e3, "twin": 0, "pool": 1}',
        '{"candidate": 1001, "twin": 0, "pool": 1}',
        "[" * 9999,
    ],
)
def test_a_damaged_file(tmp_path: Path, content: str) -> None:
    """One line that says to remove it."""
    (tmp_path / "ghmlops-weights.json").write_text(content)
    with pytest.raises(ServiceError) as caught:
        DryRun(DryRunTarget(), tmp_path).weights()
    assert caught.value.reason_code == "bad-weights"


def test_without_a_twin(tmp_path: Path) -> None:
    """Two arms."""
    target = DryRun(DryRunTarget(twin=False), tmp_path)
    target.set_weight("candidate", 20)
    assert target.weights() == {"candidate": 20, "pool": 1000}
