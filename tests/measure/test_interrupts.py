"""The signals that interrupt a command."""

from __future__ import annotations

import importlib
import signal

import pytest

from ghmlops.measure import interrupts


def test_only_signals_that_the_system_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no SIGHUP, and the other two interrupt there."""
    assert interrupts.INTERRUPTS == (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    with monkeypatch.context() as windows:
        windows.delattr(signal, "SIGHUP")
        assert importlib.reload(interrupts).INTERRUPTS == (signal.SIGINT, signal.SIGTERM)
    importlib.reload(interrupts)
