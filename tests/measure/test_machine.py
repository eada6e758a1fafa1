"""The machine in one line."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.errors import InputError
from ghmlops.measure.machine import machine, require_linux

if TYPE_CHECKING:
    from pathlib import Path


def test_the_model_of_the_processor_is_named_if_it_is_known(tmp_path: Path) -> None:
    """Operating system, processors and Python are always there; the model where the system lists it."""
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nmodel name\t: Fast   CPU 9\n", encoding="utf-8")
    assert "(Fast CPU 9)" in machine(file)
    without = machine(tmp_path / "absent")
    assert "(" not in without
    for part in (platform.system(), platform.machine(), f"Python {platform.python_version()}"):
        assert part in without


def test_linux_is_required_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Linux nothing happens; another system is named together with what needs Linux."""
    require_linux("the load generator")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(InputError, match=r"load generator .* Darwin"):
        require_linux("the load generator")
