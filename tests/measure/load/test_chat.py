"""The chat preset against a small service that streams responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

import chat_service
from ghmlops.core.latency.answers import Answers, Tokens
from ghmlops.core.latency.kind import Kind
from ghmlops.core.load import presets
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Latency, Request
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load, Recording
from ghmlops.measure.load.target import parse_target
from token_times import check_gaps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@pytest.fixture(scope="module")
def chat() -> Iterator[str]:
    with chat_service.started("--first", "0.005", "--gap", "0.001") as url:
        yield url


def run(url: str, model: str, rows: Sequence[dict[str, Any]], n: int = 40, **more: Any) -> Recording:
    policy = presets.apply(Latency(preset="openai-chat", model=model, **more))
    bodies = [presets.body(policy, msgspec.json.encode(row)) for row in rows]
    load = Load(
        targets=[probe(parse_target(url, "url"), "url")],
        endpoints=policy.endpoints,
        calls=[Call(endpoint=0, path=policy.request.path, body=body) for body in bodies],
        order=[i % len(bodies) for i in range(n)],
        times=np.arange(n) / 200.0,
        warmup=0,
        block=n,
        write_order=[0] * n,
        connections=16,
        timeout=30.0,
        stream=policy.stream,
    )
    return run_load(load, lambda _: True)


def kinds(answers: Answers) -> dict[str, int]:
    return {kind.label: count for kind in Kind if (count := answers.count([kind]))}


def tokens_of(recording: Recording) -> tuple[Answers, Tokens]:
    (answers,) = recording.arms
    assert answers.tokens is not None
    return answers, answers.tokens


@pytest.mark.parametrize("model", ["tiny", "usage", "lumps"])
def test_tokens_are_counted_exactly(chat: str, model: str) -> None:
    """Each response has the requested number of tokens; role, finish reason, usage and `[DONE]` are not tokens."""
    rows = [{"prompt": "a", "max_tokens": count} for count in (1, 5, 20, 33)]
    answers, tokens = tokens_of(run(chat, model, rows))
    assert kinds(answers) == {"ok": 40}
    assert tokens.count.tolist() == [1, 5, 20, 33] * 10
    check_gaps(tokens)
    assert len(tokens.gap) > 0


def test_times_of_a_stream_are_in_order(chat: str) -> None:
    """First byte, first token, last token and end are in this order, after the delay of the service."""
    answers, tokens = tokens_of(run(chat, "tiny", [{"messages": [{"role": "user", "content": "a"}]}]))
    assert set(tokens.count) == {8}
    assert bool((answers.sent <= answers.first).all())
    assert bool((answers.first <= tokens.first).all())
    assert bool((tokens.first <= tokens.last).all())
    assert bool((tokens.last <= answers.done).all())
    assert bool((tokens.first - answers.sent > 0.004).all())
    check_gaps(tokens)


@pytest.mark.parametrize(("model", "kind"), [("dies", "closed"), ("cut", "closed"), ("mute", "check")])
def test_incomplete_and_empty_streams_are_failures(chat: str, model: str, kind: str) -> None:
    """A stream that is cut off, that ends without its end marker, or that has no token is a failure with an example."""
    recording = run(chat, model, [{"prompt": "a"}], n=12)
    assert kinds(recording.arms[0]) == {kind: 12}
    assert len(recording.examples[0]) == 1


def test_the_path_of_the_policy_replaces_that_of_the_preset(chat: str) -> None:
    """If the policy sets a path, it is requested; the service rejects it, which is counted."""
    recording = run(chat, "tiny", [{"prompt": "a"}], n=4, request=Request(path="/other"))
    assert kinds(recording.arms[0]) == {"status": 4}
