"""What the evidence of `shadow` quotes of answers: nothing that may repeat a credential or a private value."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from answering_service import ReceivedRequest, Reply, answering
from commands.shadow.test_command import FAIL, model, read, services, write_policy
from ghmlops.commands.shadow.command import run
from ghmlops.commands.shadow.inputs import Inputs
from ghmlops.core.shadow.details import HIDDEN, NOT_QUOTED
from git_sandbox import Repo

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 20
REGRESSION = """
regression:
  {{task: binary, key: [id], label: truth, score: score, private: [{names}],
   artifacts: {{baseline: b.parquet, candidate: c.parquet}}}}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository's folder with recorded requests that carry a credential."""
    rows = [
        {"method": "POST", "path": "/predict", "headers": {"x-session": "l1ve"}, "body": {"row": i}}
        for i in range(ROWS)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return tmp_path


def echo(request: ReceivedRequest) -> Reply:
    """Return an answer that repeats the headers of its request."""
    names = ("authorization", "x-session")
    return Reply(body=json.dumps({"label": " ".join(request.headers.get(name, "") for name in names)}).encode())


@pytest.mark.parametrize(
    ("send", "quoted"),
    [
        ({"headers": '{authorization: "Bearer ${TOKEN}"}'}, False),
        ({"recorded-headers": "[x-session]"}, False),
        ({"headers": '{x-plain: "$${TOKEN}"}'}, True),
    ],
)
def test_answers_that_may_repeat_a_credential_are_not_quoted(place: Path, send: dict[str, str], quoted: bool) -> None:
    """A candidate that echoes its headers fails, with the rows of the change, and without the value of a header."""
    write_policy(place, "  expect: same\n", send=send)
    with answering(model(1), model(2), echo) as (baseline, twin, candidate):
        addresses: dict[str, Any] = {"url": candidate.url, "baseline_url": baseline.url, "twin_url": twin.url}
        result = run(Inputs(policy="policy.yml", allow_env="TOKEN", **addresses), services(place))
    _, details = read(place)
    assert result.outcome is FAIL
    assert {example.row for example in details.examples} >= {1, 2, 3}
    sides = {text for example in details.examples for text in (example.baseline, example.candidate)}
    assert (sides == {NOT_QUOTED}) is not quoted
    text = (place / "evidence/shadow.json").read_text(encoding="utf-8")
    assert not any(secret in text for secret in ("s3cr3t", "l1ve"))


@pytest.mark.parametrize(
    ("base", "head"),
    [
        ("", REGRESSION.format(names="name")),
        ("  private: [name]\n", ""),
        (REGRESSION.format(names="name"), REGRESSION.format(names="other")),
    ],
)
def test_what_is_private_elsewhere_is_private_here(place: Path, base: str, head: str) -> None:
    """Columns of `regression`, and what the policy of the base commit calls private, which a change cannot reveal."""
    repo = Repo(place)
    repo.git("init", "--quiet", "--initial-branch=main")
    write_policy(place, f"  expect: same\n{base}")
    sha = repo.commit("base", {})
    write_policy(place, f"  expect: same\n{head}")
    change: Any = lambda row, a: {**a, "label": 9, "user": {"name": f"Ada {row}"}}  # noqa: E731
    with answering(model(1), model(2), model(3, change)) as (baseline, twin, candidate):
        addresses: dict[str, Any] = {"url": candidate.url, "baseline_url": baseline.url, "twin_url": twin.url}
        of_change = services(place)
        context = msgspec.structs.replace(of_change.context, base_sha=sha, event_name="pull_request")
        run(Inputs(policy="policy.yml", **addresses), dataclasses.replace(of_change, context=context))
    _, details = read(place)
    assert {(e.baseline, e.candidate) for e in details.examples if e.path == "$.user.name"} == {(HIDDEN, HIDDEN)}
    assert {e.candidate for e in details.examples if e.path == "$.label"} == {"9"}
    assert "Ada" not in (place / "evidence/shadow.json").read_text(encoding="utf-8")
