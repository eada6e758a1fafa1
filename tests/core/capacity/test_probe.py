"""The vote of a probe: objectives, achieved rate, drift, failures, and the limits of the generator."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from capacity_searches import P90
from ghmlops.core.capacity.probe import ProbeRecording, has_failed, judge_probe, probe_floor
from ghmlops.core.capacity.search_state import Probe, Vote
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.objectives import shares
from ghmlops.core.policy.objectives import Objectives
from simulated_queue import recording_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAST = Probe(rate=100.0, seconds=10.0, purpose="ramp")


def regular(n: int, rate: float, response: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scheduled and completion times of regular requests with nearly equal response times."""
    scheduled = np.arange(n) / rate
    return scheduled, scheduled + response + np.random.default_rng(5).uniform(-1e-4, 1e-4, n)


def test_a_regular_probe_passes() -> None:
    """With a request of 20 ms every 10 ms, 2 requests are in flight by Little's law."""
    result = judge_probe(FAST, recording_of(*regular(1000, 100.0, 0.02)), P90)
    assert result.vote is Vote.PASS
    assert result.steady
    assert math.isclose(result.in_flight, 2.0, rel_tol=0.01)
    assert math.isclose(result.quantiles["p99"], 0.02, rel_tol=0.01)


def test_a_growing_backlog_fails_although_the_objective_is_met() -> None:
    """Response times rise to 90 ms, within the limit, but the requests in flight grow: the rate is not sustained."""
    scheduled = np.arange(4000) / 1000.0
    result = judge_probe(FAST, recording_of(scheduled, scheduled + np.linspace(0.001, 0.09, 4000)), P90)
    assert (result.vote, result.cause, result.steady) == (Vote.FAIL, "service", False)
    assert "in flight" in result.reason


def test_too_few_samples_are_unsure() -> None:
    """63 fast responses are too few for p90, 64 are enough."""
    few, enough = (judge_probe(FAST, recording_of(*regular(n, 100.0, 0.02)), P90) for n in (63, 64))
    assert (few.vote, enough.vote) == (Vote.UNSURE, Vote.PASS)
    assert (few.too_few_samples, enough.too_few_samples) == (True, False)
    assert "64" in few.reason


def with_failures(recording: ProbeRecording, kind: Kind, every: int) -> ProbeRecording:
    """Return the recording in which every `every`-th request has the result `kind`."""
    kinds = np.where(np.arange(len(recording.answers)) % every == 0, np.uint8(kind), np.uint8(Kind.OK))
    return replace(recording, answers=replace(recording.answers, kind=kinds))


def test_failed_requests_are_distinguished_from_slow_ones() -> None:
    """If a quarter of the requests is rejected, the cause is `errors`; if a quarter times out, the service is slow."""
    recording = recording_of(*regular(1000, 100.0, 0.02))
    refused = judge_probe(FAST, with_failures(recording, Kind.STATUS, 4), P90)
    slow = judge_probe(FAST, with_failures(recording, Kind.TIMEOUT, 4), P90)
    assert (refused.vote, refused.cause) == (Vote.FAIL, "errors")
    assert (slow.vote, slow.cause) == (Vote.FAIL, "service")
    assert refused.errors == 0.25


def test_errors_count_against_the_achieved_rate() -> None:
    """3 % of failed requests meet an objective of 10 %, but less than 99 % of the offered rate was achieved."""
    recording = with_failures(recording_of(*regular(3000, 100.0, 0.02)), Kind.STATUS, 33)
    assert judge_probe(FAST, recording, P90).vote is Vote.FAIL


def test_a_late_or_starved_generator_gives_no_vote() -> None:
    """If sends are 50 ms late or requests are not sent, the probe shows nothing, however fast the responses are."""
    recording = recording_of(*regular(1000, 100.0, 0.02))
    late = replace(recording, dispatched=recording.answers.scheduled + 0.05)
    for limited in (late, with_failures(recording, Kind.UNSENT, 100), with_failures(recording, Kind.LOCAL, 100)):
        result = judge_probe(FAST, limited, P90)
        assert (result.vote, result.cause) == (Vote.GENERATOR, "generator")
        assert not result.steady


def test_a_probe_is_stopped_early_only_with_high_confidence() -> None:
    """A probe is stopped if half of 200 requests are slow, but not if 15 % of 100 are."""
    for slow, n, expected in ((2, 200, True), (7, 100, False)):
        late = np.where(np.random.default_rng(2).permutation(n) % slow == 0, 1.0, 0.02)
        scheduled = np.arange(n) / 100.0
        answers = recording_of(scheduled, scheduled + late).answers
        assert expected is has_failed(shares(P90, answers), answers.response, P90)


def test_an_objective_of_zero_errors_has_no_floor() -> None:
    """No sample can show `errors: 0`; otherwise the largest floor counts."""
    assert probe_floor(Objectives(errors=0.0)) == 0
    assert probe_floor(Objectives(quantiles={"p90": 0.1, "p99": 0.2})) == 662
