"""Derived properties of a load: its rate, and whether kernel timestamps are used."""

from __future__ import annotations

import ssl
from dataclasses import replace

import numpy as np
import pytest

from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Request
from ghmlops.measure.load.kernel_timestamps import MAX_TIMESTAMP_RATE
from ghmlops.measure.load.load import Load
from ghmlops.measure.load.target import parse_target


def test_kernel_timestamps_are_used_for_both_arms_or_for_none() -> None:
    """They are not used if one arm has TLS, for another protocol, or at a rate at which reading them costs too much."""
    target = parse_target("http://127.0.0.1:1", "url")
    load = Load(
        targets=[target],
        endpoints=[Request()],
        calls=[Call(endpoint=0, path="/", body=b"{}")],
        order=[0] * 20,
        times=np.arange(20) / 100.0,
        warmup=0,
        block=20,
        write_order=[0] * 20,
        connections=8,
        timeout=30.0,
    )
    assert load.rate == pytest.approx(20 / 0.19)
    assert load.uses_kernel_timestamps
    assert not replace(load, targets=[target, replace(target, tls=ssl.create_default_context())]).uses_kernel_timestamps
    assert not replace(load, protocol="http/2").uses_kernel_timestamps
    assert not replace(load, times=np.arange(20) / (2 * MAX_TIMESTAMP_RATE)).uses_kernel_timestamps
    assert not replace(load, times=np.zeros(20)).uses_kernel_timestamps
