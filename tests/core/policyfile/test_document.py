"""The strict reader of the policy file."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.policy.document import Policy
from ghmlops.core.policy.latency import LatencyMargin
from ghmlops.core.policyfile.document import read_policy

FULL = """\
version: 1
service: click-scorer
preview:    {command: "python serve.py --port {port}", ready: /healthz, timeout: 60s}   # or url:
latency:
  request:  {method: POST, path: /predict, headers: {content-type: application/json}}
  payloads: data/requests.parquet          # or .jsonl: one request body a row
  arrivals: {poisson: 200/s, duration: 60s, warmup: 5s}
  slo:      {p99: 150ms, errors: 0.1%}
  margins:  {p50: 2%, p95: 3%, p99: 5%}
regression:
  task: binary
  key: [id]
  label: clicked
  score: p_click
  prediction: y_pred
  classes: []
  time: event_time
  window: 1d
  slices: [device, country, [device, country]]
  margins: {auc: 0.002, logloss: 1%, negative-flips: 1%}
  intent: improve
gate:       {environment: production, require: [latency, regression]}
"""


def test_the_policy_of_the_design_is_read() -> None:
    """Every value of the documented example arrives, in base units."""
    policy = read_policy(FULL)
    assert policy.latency is not None
    assert policy.regression is not None
    assert policy.preview is not None
    assert policy.preview.timeout == 60.0
    assert policy.latency.request.headers == {"content-type": "application/json"}
    assert (policy.latency.arrivals.model, policy.latency.arrivals.rate) == ("poisson", 200.0)
    assert policy.latency.slo.quantiles == {"p99": 0.15}
    assert policy.latency.slo.errors == pytest.approx(0.001)
    assert policy.latency.margins["p99"] == LatencyMargin(fail=0.05, safe=pytest.approx(0.2))  # type: ignore[arg-type]
    assert policy.regression.slices == (("device",), ("country",), ("device", "country"))
    assert policy.regression.margins == {"auc": 0.002, "log-loss": 0.01, "negative-flips": 0.01}
    assert policy.required == ("latency", "regression")


def test_a_small_policy_has_defaults() -> None:
    """Only `version` and `service` are needed; what is required then is what the policy measures."""
    assert read_policy("version: 1\nservice: s\n") == Policy(service="s")
    assert read_policy("version: 1\nservice: s\nlatency: {slo: {p99: 1s}}\n").required == ("latency",)


def test_scalars_stay_text() -> None:
    """A column called `no` or `on` is not a boolean."""
    policy = read_policy(FULL.replace("[device, country, [device, country]]", "[no, on, 1]"))
    assert policy.regression is not None
    assert policy.regression.slices == (("no",), ("on",), ("1",))


def test_margins_may_name_both_limits() -> None:
    """`{fail, safe}` sets both; one number scales the distance of the default."""
    policy = read_policy(FULL.replace("p50: 2%,", "p50: {fail: 1%, safe: 30%},").replace("p95: 3%", "p95: 6%"))
    assert policy.latency is not None
    assert policy.latency.margins["p50"] == LatencyMargin(fail=0.01, safe=0.3)
    assert policy.latency.margins["p95"].safe == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("  payloads", "  payload", ":6: `latency.payload`: unknown key `payload`", "did you mean `payloads`?"),
        ("p99: 150ms", "p99: fast", ':8: `latency.slo.p99`: expected a duration with a unit, got "fast"', "`150ms`"),
        ("p99: 150ms", "p98: 150ms", ":8: `latency.slo.p98`: unknown key `p98`", "did you mean `p99`?"),
        ("200/s", "200", "expected a rate with a unit", "`200/s`"),
        ("poisson: 200/s", "constant: 1/s, poisson: 200/s", "needs exactly one arrival model", "poisson"),
        ("errors: 0.1%", "errors: 120%", "expected a ratio between 0 and 1", "`0.5%`"),
        ("p95: 3%", "p95: {fail: 3%}", "`latency.margins.p95` needs the key `safe`", "add `safe:`"),
        ("p95: 3%", "p95: {fail: 3%, safe: 2%}", "`safe` must be larger than `fail`", "fails beyond `fail`"),
        ("task: binary", "task: binry", '`regression.task`: "binry" is not valid', "`binary`"),
        ("auc:", "auuc:", "`margins.auuc`: not a metric of task `binary`", "`auc`"),
        ("auc:", "rmse:", "not a metric of task `binary`", "valid here"),
        ("auc: 0.002,", "log-loss: 1%, auc: 0.002,", "is given twice, under two spellings", "keep one"),
        ("  key: [id]\n", "", "`regression` needs the key `key`", "add `key:`"),
        ("key: [id]", "key: []", "`key` is empty", "key: [id]"),
        ("  score: p_click\n", "", "`margins.auc`: the metric needs the key `score`", "remove the margin"),
        ("  time: event_time\n", "", "`window` needs the key `time`", "time: at"),
        ("classes: []", "classes: [a]", "names two", "[no, yes]"),
        ("window: 1d", "window: 2d", '"2d" is not valid', "did you mean `1d`?"),
        ("version: 1", "version: 2", 'version "2" is not known', "version: 1"),
        ("service: click-scorer\n", "", "the policy needs the key `service`", "add `service:`"),
        ("click-scorer", '"a\\nb"', "control characters", ""),
        ("click-scorer", "<script>", "expected at most 100 letters", ""),
        ("version: 1", "version: 1\nversion: 1", ":2: `version` is given twice", "keep one"),
        ("preview:", "preview: &x", "anchors, aliases and tags are not allowed", "write the value out"),
        ("{port}", "8080", "the command has no `{port}`", "--port {port}"),
        ("ready: /healthz", "url: 'http://x'", "needs exactly one of `command` and `url`", ""),
        ("require: [latency, regression]", "require: [latencies]", '"latencies" is not valid', "`latency`?"),
        ("path: /predict", "path: predict", 'starts with "/"', ""),
        ("content-type:", "'bad header':", "is not a valid header name", ""),
        ("[device, country, [device, country]]", "device", "expected a list of columns", "[device,"),
        ("[device, country, [device, country]]", "[[]]", "a slice names at least one column", "[device,"),
        ("[device, country, [device, country]]", "[device, []]", ":19: `regression.slices[1]`: a slice", "[device,"),
        ("{poisson: 200/s, duration: 60s, warmup: 5s}", "fast", "expected a mapping", ""),
        ("gate:   ", "gate: [", ":23: ", "indentation"),
        ("version: 1\n", "version: 1\npaths: [/a]\n", ':2: `paths[0]`: "/a": expected a path', "scorer/**"),
        ("version: 1\n", "version: 1\npaths: ['!a']\n", ":2: `paths`: no pattern includes a file", '"**"'),
        ("version: 1\n", "version: 1\npaths: []\n", ":2: `paths`: no pattern includes a file", '"**"'),
        ("version: 1\n", "version: 1\npath: [a]\n", ":2: `path`: unknown key `path`", "`paths`"),
    ],
)
def test_a_mistake_is_named_with_its_place(old: str, new: str, message: str, hint: str) -> None:
    """Each mistake gives one line: file, line, key, what is wrong, and how to fix it."""
    assert old in FULL
    with pytest.raises(PolicyError) as caught:
        read_policy(FULL.replace(old, new, 1))
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://me:s3cret@h",
        "ftp://me:s3cret@h",
        "me:s3cret@h",
        "http://me:s3/cret@h",
        "http://[me:s3cret@h",
        "http://h/?token=s3cret",
        "http://h:0/s3cret",
    ],
)
@pytest.mark.parametrize("key", ["url", "baseline-url"])
def test_a_secret_in_an_address_is_refused_and_not_repeated(key: str, url: str) -> None:
    """User, password and query have no place in the policy; the message has the place and not the value."""
    with pytest.raises(PolicyError, match=f":3: `preview.{key}`: ") as caught:
        read_policy(f"version: 1\nservice: s\npreview: {{{key}: '{url}'}}\n")
    assert caught.value.hint
    assert [part for part in ("me:", "s3", "cret") if part in caught.value.message + caught.value.hint] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment\n",
        "[]",
        "a" * 300_000,
        "[" * 500,
        "{a: " * 50,
        "\x00",
        "a: b: c",
        "- &a [*a]",
        "!!python/x y",
    ],
)
def test_hostile_text_is_one_clean_error(text: str) -> None:
    """Empty, huge, deep or malicious YAML ends in a `PolicyError`, not in a traceback or in memory."""
    with pytest.raises(PolicyError):
        read_policy(text)


def test_the_gate_cannot_require_what_is_not_measured() -> None:
    """A required command needs its section, or the gate could never pass."""
    with pytest.raises(PolicyError, match=r"`latency`.* no section"):
        read_policy("version: 1\nservice: s\ngate: {require: [latency]}\n")
