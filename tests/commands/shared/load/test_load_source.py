"""What `latency` sends and where to: targets, headers from the environment, presets, several processes, TLS."""

from __future__ import annotations

import io
import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import chat_service
import scoring_service
from ghmlops.commands.latency.command import run
from ghmlops.commands.latency.inputs import Inputs
from ghmlops.commands.shared.base import Result, Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.details import LatencyDetails
from ghmlops.core.errors import InputError, PolicyError, ServiceError
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Outcome
from ghmlops.measure.evidence import decode
from typed_details import details_of

SHA = "0123456789abcdef0123456789abcdef01234567"
ARRIVALS = "arrivals: {constant: 200/s, duration: 1s, warmup: 100ms}"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository's folder with payload files."""
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"row": {i}}}\n' for i in range(5)), encoding="utf-8")
    (tmp_path / "chat.jsonl").write_text('{"prompt": "hello"}\n', encoding="utf-8")
    return tmp_path


def policy(place: Path, latency: str, more: str = "") -> None:
    text = f"version: 1\nservice: s\n{more}\nlatency:\n  {ARRIVALS}\n  payloads: rows.jsonl\n  {latency}\n"
    (place / "policy.yml").write_text(text, encoding="utf-8")


def latency(place: Path, url: str, environ: dict[str, str] | None = None, **more: Any) -> Result:
    """Run the command; again, at most four times, where this machine was too busy for the generator, which it says."""
    services = Services(
        context=Context(head_sha=SHA, repository="acme/scorer"),
        environ=environ or {},
        cwd=place,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )
    for _ in range(4):
        result = run(Inputs(policy="policy.yml", url=url, **more), services)
        if result.reason_code != "guard-lateness":
            break
    return result


def read_evidence(place: Path) -> Evidence:
    return decode((place / "evidence" / "latency.json").read_bytes(), Evidence, "ghmlops/evidence/v1", "latency.json")


@pytest.mark.parametrize("url", ["http://192.0.2.7", "https://scorer.invalid:8443/v1", "http://[2001:db8::7]:80"])
def test_a_host_that_no_target_names_is_refused(place: Path, url: str) -> None:
    """Nothing is sent, also not in a dry run, whatever the policy of the change says; the error says what to paste."""
    for own in ("", f"targets: [{json.dumps(urlsplit(url).hostname)}]", f"preview: {{url: '{url}'}}"):
        policy(place, "slo: {p90: 1s}", own)
        for dry_run in (False, True):
            with pytest.raises(InputError, match=r"`url`.*`allow-hosts`") as caught:
                latency(place, url, dry_run=dry_run)
            assert "`allow-hosts: " in caught.value.hint
            assert caught.value.reason_code == "target-not-allowed"


@pytest.mark.parametrize(
    "own", ["targets: [other.invalid]", "targets: [other.invalid]\npreview: {command: 'x {port}'}"]
)
def test_targets_narrow_the_input(place: Path, own: str) -> None:
    """A host of the input that the policy's `targets` leave out is refused."""
    policy(place, "slo: {p90: 1s}", own)
    with pytest.raises(InputError, match="`targets`") as caught:
        latency(place, "http://scorer.invalid:8000", allow_hosts="*.invalid")
    assert caught.value.reason_code == "target-not-allowed"


@pytest.mark.parametrize(
    ("allow_hosts", "own"),
    [
        ("scorer.invalid", ""),
        ("*.invalid", 'targets: ["scorer.invalid"]'),
        ("a.example\nscorer.invalid", "targets: [a.invalid]\npreview: {url: 'http://scorer.invalid:9000'}"),
    ],
)
def test_a_host_of_the_input_is_loaded(place: Path, allow_hosts: str, own: str) -> None:
    """Named in `allow-hosts`, and by the policy if it narrows: the only fault left is that it does not exist."""
    policy(place, "slo: {p90: 1s}", own)
    assert latency(place, "http://scorer.invalid:8000", dry_run=True, allow_hosts=allow_hosts).reason_code == "dry-run"
    with pytest.raises(ServiceError, match="host"):
        latency(place, "http://scorer.invalid:8000", allow_hosts=allow_hosts)


def test_every_address_of_a_name_is_checked_before_a_connection(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with one public and one metadata address is refused, also if it changes after the first resolution."""
    policy(place, "slo: {p90: 1s}")
    answers = [["9.9.9.9"], ["9.9.9.9", "169.254.169.254"]]
    contacted: list[object] = []

    def resolve(*_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        return [(2, 1, 6, "", (address, 80)) for address in (answers.pop(0) if len(answers) > 1 else answers[0])]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", lambda *address, **_: contacted.append(address))
    for _ in range(2):
        with pytest.raises(InputError, match=r"scorer\.example\.com \(169\.254\.169\.254\)") as caught:
            latency(place, "http://scorer.example.com", allow_hosts="scorer.example.com")
        assert caught.value.reason_code == "target-not-allowed"
    assert contacted == []


def test_a_name_of_this_machine_is_loopback(place: Path) -> None:
    """`localhost` needs no target."""
    policy(place, "request: {path: /predict}\n  slo: {p90: 1s}")
    with scoring_service.started() as url:
        assert latency(place, url.replace("127.0.0.1", "localhost")).outcome is not Outcome.ERROR


def test_a_token_comes_from_the_environment_and_stays_there(place: Path) -> None:
    """The service sees it; the evidence does not, and it quotes no response, which could repeat the token."""
    policy(place, 'request: {path: /whoami, headers: {authorization: "Bearer ${SCORER_TOKEN}"}}\n  slo: {p90: 1s}')
    with scoring_service.started() as url:
        result = latency(place, url, {"SCORER_TOKEN": "s3cr3t-value"}, allow_env="SCORER_TOKEN")
        assert "s3cr3t-value" not in (place / "evidence" / "latency.json").read_text(encoding="utf-8")
        with pytest.raises(PolicyError, match="the variable SCORER_TOKEN is not set"):
            latency(place, url, allow_env="SCORER_TOKEN")
        with pytest.raises(PolicyError, match="`allow-env` does not name the variable SCORER_TOKEN"):
            latency(place, url, {"SCORER_TOKEN": "s3cr3t-value"})
        assert result.reason_code == "endpoint-broken"
        content = (place / "evidence" / "latency.json").read_text(encoding="utf-8")
    assert "403" in result.reason
    assert "no access for" not in content
    assert "s3cr3t-value" not in content + result.text


def test_private_columns_keep_answers_out_of_the_evidence(place: Path) -> None:
    """An answer may repeat fields of the request, so that none is quoted if the policy has private columns."""
    texts = []
    for private in ("", ", private: [person]"):
        more = f"regression: {{task: binary, key: [id], label: y, score: s{private}}}"
        policy(place, "request: {path: /whoami}\n  slo: {p90: 1s}", more)
        with scoring_service.started() as url:
            assert latency(place, url).reason_code == "endpoint-broken"
        texts.append((place / "evidence" / "latency.json").read_text(encoding="utf-8"))
    assert ["no access for" in text for text in texts] == [True, False]


def test_the_runner_s_own_token_is_not_sent(place: Path) -> None:
    """A policy comes with the pull request."""
    policy(place, 'request: {headers: {x: "${GITHUB_TOKEN}"}}\n  slo: {p90: 1s}')
    with pytest.raises(PolicyError, match="GITHUB_TOKEN"):
        latency(place, "http://127.0.0.1:9", {"GITHUB_TOKEN": "t"}, allow_env="SCORER_TOKEN")


def test_a_check_that_cannot_be_read_is_told_first(place: Path) -> None:
    """Before anything is sent."""
    policy(place, 'request: {expect: {json: {"a[": 1}}}\n  slo: {p90: 1s}')
    with pytest.raises(PolicyError, match=r"a\["):
        latency(place, "http://127.0.0.1:9", dry_run=True)


def test_several_processes_give_one_result(place: Path) -> None:
    """Two generators offer one schedule: every judged request is there once."""
    policy(place, "request: {path: /predict}\n  processes: 2\n  slo: {p50: 5s}")
    with scoring_service.started() as url:
        result = latency(place, url)
    evidence = read_evidence(place)
    assert details_of(evidence, LatencyDetails).generator.processes == 2
    assert details_of(evidence, LatencyDetails).judged_per_arm == 200
    assert result.outcome is Outcome.PASS, result.reason


def test_a_chat_is_measured_in_tokens(place: Path) -> None:
    """The preset sends the prompt, reads the stream, and objectives on tokens are judged."""
    more = "preset: openai-chat\n  model: tiny\n  slo: {p50: 5s, first-token: {p50: 5s}, token-gap: {p50: 5s}}"
    policy(place, more)
    with chat_service.started("--first", "0.005", "--gap", "0.002") as url:
        result = latency(place, url, payloads="chat.jsonl")
    by_id = {f.id: f.outcome for f in read_evidence(place).findings}
    assert by_id["objective-first-token-p50"] is by_id["objective-token-gap-p50"] is Outcome.PASS, result.reason
    measured = {m.id: m.values for m in read_evidence(place).measurements}
    assert {"time-to-first-token", "token-gap", "tokens-per-second"} <= set(measured)


def test_a_mix_is_told_by_endpoint(place: Path) -> None:
    """Each endpoint is sent by its weight; fields of the path are filled in."""
    policy(place, 'mix: [{path: /predict, weight: 3}, {path: "/echo/{{row}}"}]\n  slo: {p50: 5s}')
    with scoring_service.started() as url:
        result = latency(place, url)
    assert result.outcome is Outcome.PASS, result.reason
    paths = [request.path for request in details_of(read_evidence(place), LatencyDetails).settings.requests]
    assert paths == ["/predict", "/echo/{{row}}"]
