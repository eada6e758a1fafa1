"""The readers of `latency`, `capacity` and `targets`."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.latency.stopping import make_plan
from ghmlops.core.policy.capacity import Capacity
from ghmlops.core.policy.document import Policy
from ghmlops.core.policy.latency import Expect, JsonCheck, Latency, Trace
from ghmlops.core.policy.objectives import Objectives
from ghmlops.core.policyfile.document import read_policy

HEAD = "version: 1\nservice: s\n"


def latency(text: str) -> Latency:
    result = read_policy(f"{HEAD}latency:\n  {text}\n").latency
    assert result is not None
    return result


@pytest.mark.parametrize(
    ("text", "model", "rate", "curve"),
    [
        ("poisson: 200/s", "poisson", 200, ()),
        ("constant: 30/m", "constant", 0.5, ()),
        ("ramp: {from: 10/s, to: 30/s}", "ramp", 20, ((0, 10), (60, 30))),
        ("ramp: {from: 0, to: 30/s}", "ramp", 15, ((0, 0), (60, 30))),
        ("steps: [10/s, 40/s]", "steps", 25, ((0, 10), (30, 10), (30, 40), (60, 40))),
        (
            "spike: {base: 10/s, peak: 70/s, at: 20s, lasts: 6s}",
            "spike",
            16,
            ((0, 10), (20, 10), (20, 70), (26, 70), (26, 10), (60, 10)),
        ),
    ],
)
def test_demand_is_read_as_a_curve(text: str, model: str, rate: float, curve: tuple[object, ...]) -> None:
    """Shaped models become points of (second, rate); their rate is the mean."""
    arrivals = latency(f"arrivals: {{{text}, duration: 60s, warmup: 1s}}").arrivals
    assert arrivals.model == model
    assert arrivals.rate == pytest.approx(rate)
    assert arrivals.curve == curve
    assert arrivals.shaped == bool(curve)


@pytest.mark.parametrize("model", ["poisson", "constant"])
def test_the_rate_may_be_measured(model: str) -> None:
    """`auto` in place of a rate asks for the ramp; a rate does not."""
    arrivals = latency(f"arrivals: {{{model}: auto, duration: 90s}}").arrivals
    assert (arrivals.model, arrivals.auto, arrivals.duration, arrivals.shaped) == (model, True, 90.0, False)
    assert not latency(f"arrivals: {{{model}: 5/s}}").arrivals.auto


@pytest.mark.parametrize("text", ["poisson: automatic", "ramp: auto", "steps: [auto]", "poisson: [auto]"])
def test_only_poisson_and_constant_can_be_automatic(text: str) -> None:
    """Other values and other models are errors that name the key."""
    with pytest.raises(PolicyError, match=text.partition(":")[0]):
        latency(f"arrivals: {{{text}, duration: 60s}}")


def test_a_day_goes_from_its_low_to_its_high_and_back() -> None:
    """The wave starts low, peaks after half a period, and has the mean of both."""
    arrivals = latency("arrivals: {diurnal: {low: 10/s, high: 50/s, period: 30s}, duration: 60s}").arrivals
    by_second = dict(arrivals.curve)
    assert arrivals.rate == pytest.approx(30)
    assert [by_second[t] for t in (0.0, 15.0, 30.0, 45.0, 60.0)] == pytest.approx([10, 50, 10, 50, 10])


def test_a_replay_takes_its_rate_from_the_file() -> None:
    """Without a duration the whole recording is meant."""
    arrivals = latency("arrivals: {replay: {file: access.log, speed: 10}}").arrivals
    assert (arrivals.rate, arrivals.duration, arrivals.shaped) == (0.0, 0.0, True)
    assert arrivals.trace == Trace(file="access.log", speed=10.0)


def test_a_redirect_is_followed_on_request() -> None:
    """By endpoint, and only where the generator can follow it: HTTP/1.1 without a stream."""
    endpoints = latency("mix: [{path: /a, follow-redirect: true}, {path: /b}]").endpoints
    assert [endpoint.follow_redirect for endpoint in endpoints] == [True, False]
    request = "request: {path: /a, follow-redirect: true}"
    assert latency(f"{request}\n  preset: open-inference\n  model: m").request.follow_redirect
    for more in ("protocol: http/2", "stream: sse", "preset: openai-chat\n  model: m"):
        with pytest.raises(PolicyError, match="follow-redirect"):
            latency(f"{request}\n  {more}")


def test_a_mix_of_endpoints_with_checks() -> None:
    """Every key of an endpoint arrives; without a mix there is one endpoint, the request."""
    text = """mix:
    - {name: predict, weight: 9, path: "/predict/{{id}}", payloads: a.jsonl, template: '{"x": {{x}}}',
       expect: {status: [200, 201], contains: score, body: {min: 1B, max: 64KiB},
                json: {"outputs[0].name": predict, version: {matches: "^v"}, error: null}}}
    - {path: /health, method: GET}"""
    first, second = latency(text).endpoints
    assert (first.name, first.weight, first.path, first.payloads) == ("predict", 9.0, "/predict/{{id}}", "a.jsonl")
    assert first.template == '{"x": {{x}}}'
    assert first.expect == Expect(
        status=(200, 201),
        contains="score",
        json=(
            JsonCheck(path="outputs[0].name", equals="predict"),
            JsonCheck(path="version", matches="^v"),
            JsonCheck(path="error", equals="null"),
        ),
        smallest=1,
        largest=65536,
    )
    assert (second.method, second.weight, second.expect) == ("GET", 1.0, Expect())
    assert latency("request: {path: /p}").endpoints[0].path == "/p"


def test_objectives_on_tokens() -> None:
    """The first token and the gaps each have quantiles."""
    slo = latency("stream: sse\n  slo: {p99: 2s, first-token: {p95: 300ms}, token-gap: {p99.9: 50ms}}").slo
    assert slo == Objectives(quantiles={"p99": 2.0}, first_token={"p95": 0.3}, token_gap={"p99.9": 0.05})
    assert not slo.empty
    assert Objectives().empty


def test_capacity_and_targets() -> None:
    """Rates, seconds and ratios arrive in base units; hosts in small letters."""
    text = "targets: [Scorer.Example.com, '*.preview.example.com', '2001:db8::1']\nlatency: {}\n"
    text += "capacity: {start: 20/s, most: 500/s, probe: 5s, resolution: 10%, demand: 900/s, predict: [50/s, 80/s]}\n"
    policy = read_policy(HEAD + text)
    assert policy.targets == ("scorer.example.com", "*.preview.example.com", "2001:db8::1")
    expected = Capacity(start=20, most=500, probe=5, resolution=0.1, demand=900, predict=(50, 80))
    assert policy.capacity == expected
    assert policy.required == ("latency",)
    assert isinstance(policy, Policy)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("latency: {arrivals: {poisson: 1/s, ramp: {from: 1/s, to: 2/s}}}", "exactly one arrival model"),
        ("latency: {arrivals: {duration: 10s}}", "exactly one arrival model"),
        ("latency: {arrivals: {poison: 1/s}}", "unknown key `poison`"),
        ("latency: {arrivals: {steps: []}}", "expected a list of rates"),
        ("latency: {arrivals: {steps: [0, 0]}}", "no request would be sent"),
        ("latency: {arrivals: {ramp: {from: 1/s}}}", "needs the key `to`"),
        ("latency: {arrivals: {spike: {base: 1/s, peak: 9/s, at: 50s, lasts: 20s}}}", "ends after the duration"),
        ("latency: {arrivals: {replay: {file: a.log, speed: 0}}}", "expected a number above 0"),
        ("latency: {mix: []}", "expected a list of endpoints"),
        ("latency: {mix: [{weight: 2}]}", "needs the key `path`"),
        ("latency: {mix: [{path: /, weight: 0}]}", "expected a weight above 0"),
        ("latency: {request: {path: /}, mix: [{path: /}]}", "has both `request` and `mix`"),
        ("latency: {request: {expect: {status: 99}}}", "expected a status from 200 to 599"),
        ("latency: {request: {expect: {json: {a: {matches: '('}}}}}", "not a regular expression"),
        ("latency: {request: {expect: {json: {a: {matches: x, equals: y}}}}}", "exactly one of"),
        ("latency: {request: {expect: {body: {min: 2kB, max: 1kB}}}}", "`body.max` is smaller"),
        ("latency: {request: {expect: {json: {a: {matches: 'a{99999999999999999999}'}}}}}", "not a regular expression"),
        (f"latency: {{request: {{expect: {{json: {{a: {{matches: '{'(' * 2000}'}}}}}}}}}}", "not a regular expression"),
        (f"latency: {{request: {{expect: {{body: {{max: '{'9' * 400}'}}}}}}}}", "expected a size"),
        ("latency: {arrivals: {diurnal: {low: 1/s, high: 2/s, period: 1us}}}", "more than 1,000 periods"),
        ("latency: {processes: 1000000}", "expected at most 128"),
        ("latency: {preset: openai-chat}", "needs the key `model`"),
        ("latency: {protocol: grpc}", "requires `preset: open-inference`"),
        ("latency: {slo: {first-token: {p95: 1s}}}", "need the key `stream`"),
        ("targets: ['https://a.example']", "expected a host without scheme"),
        ("targets: ['10.0.0.1:8080']", "expected a host without scheme"),
        ("targets: ['cafe:80']", "expected a host without scheme"),
        ("targets: [':']", "expected a host without scheme"),
        ("targets: ['*']", "expected a host without scheme"),
        ("capacity: {}", "needs a section `latency`"),
        ("latency: {}\ncapacity: {start: 9/s, most: 9/s}", "`most` must be larger than `start`"),
        ("latency: {}\ncapacity: {resolution: 90%}", "`resolution` must lie between"),
    ],
)
def test_what_cannot_be_meant_is_an_error(text: str, message: str) -> None:
    """One line that names file, line and key."""
    with pytest.raises(PolicyError, match=r"^\.github/ghmlops\.yml:[0-9]+: ") as caught:
        read_policy(f"{HEAD}{text}\n")
    assert message in str(caught.value)


@pytest.mark.parametrize("zero", ["0", "0s", "0ms"])
def test_a_run_may_have_no_warmup(zero: str) -> None:
    """A duration of 0 is valid for the warm-up of a run and of a capacity probe, and for nothing else."""
    policy = latency(f"arrivals: {{poisson: 100/s, duration: 20s, warmup: {zero}}}")
    assert policy.arrivals.warmup == 0.0
    plan = make_plan(policy, 1, paired=False, trace=None, shard=None)
    assert (plan.warmup, plan.planned) == (0, 2000)
    whole = read_policy(f"version: 1\nservice: s\nlatency: {{}}\ncapacity: {{warmup: {zero}}}\n")
    assert whole.capacity is not None
    assert whole.capacity.warmup == 0.0
    with pytest.raises(PolicyError):
        latency(f"arrivals: {{poisson: 100/s, duration: {zero}}}")
