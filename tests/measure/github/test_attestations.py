"""The call of `gh attestation verify`: its words, its environment, and what counts as verified.

GitHub's certificates cannot be had on this machine, so a small program stands for `gh`: it records how it is called and
answers in the published format. The verification itself is `gh`'s.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.core.errors import InputError
from ghmlops.measure.github.attestations import Signer, attestation_problem, check_signer_workflow

if TYPE_CHECKING:
    from pathlib import Path

COMMIT, DIGEST = "a" * 40, "d" * 64
WORKFLOW = "ghmlops/ghmlops/.github/workflows/attest.yml"
SIGNER = Signer(repository="acme/shop", workflow=WORKFLOW, server_url="https://ghe.example", token="secret")
PROGRAM = """\
#!{python}
import json, os, sys
with open({record!r}, "w") as file:
    json.dump({{"words": sys.argv[1:], "environment": dict(os.environ)}}, file)
sys.stdout.write({output!r})
sys.stderr.write("Loaded digest\\nError: no \\x1b[31mmatch\\n")
sys.exit({code})
"""


def statement(*digests: str) -> str:
    """Return the output for attestations of these digests."""
    results = [
        {"verificationResult": {"statement": {"subject": [{"name": "x", "digest": {"sha256": digest}}]}, "more": 1}}
        for digest in digests
    ]
    return json.dumps(results)


class Gh:
    """A program named `gh` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bin"
        self.folder.mkdir()
        self.record = folder / "call.json"

    def verify(self, output: str, code: int = 0) -> str:
        """Let it answer this way; return the problem."""
        program = self.folder / "gh"
        program.write_text(
            PROGRAM.format(python=sys.executable, record=str(self.record), output=output, code=code), encoding="utf-8"
        )
        program.chmod(0o755)
        environ = {"PATH": str(self.folder), "HOME": "/home/x", "AWS_SECRET_ACCESS_KEY": "k", "GITHUB_TOKEN": "other"}
        return attestation_problem(self.folder.parent / "a.zip", DIGEST, COMMIT, SIGNER, environ)

    @property
    def call(self) -> dict[str, Any]:
        """How it was called."""
        call: dict[str, Any] = json.loads(self.record.read_text())
        return call


@pytest.fixture
def gh(tmp_path: Path) -> Gh:
    """The program."""
    return Gh(tmp_path)


def test_signer_and_commit_are_demanded(gh: Gh) -> None:
    """Repository, signer workflow, source digest and host are arguments; secrets of the job are not passed on."""
    assert not gh.verify(statement("0" * 64, DIGEST))
    words = gh.call["words"]
    assert words[:2] == ["attestation", "verify"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options == {
        "--repo": "acme/shop",
        "--signer-workflow": WORKFLOW,
        "--source-digest": COMMIT,
        "--format": "json",
        "--hostname": "ghe.example",
    }
    environment = gh.call["environment"]
    assert environment["GH_TOKEN"] == "secret"
    assert {"AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN"}.isdisjoint(environment)


@pytest.mark.parametrize("output", ["", "[]", "{}", "null", statement("0" * 64), statement(""), '[{"x": 1}]'])
def test_success_without_a_statement_is_no_success(gh: Gh, output: str) -> None:
    """Some releases of `gh` exit with 0 without an attestation; one of another digest does not count either."""
    assert DIGEST[:12] in gh.verify(output)


def test_a_refusal_names_its_reason(gh: Gh) -> None:
    """The last line of `gh` is part of the problem, without control characters."""
    problem = gh.verify(statement(DIGEST), code=1)
    assert WORKFLOW in problem
    assert "match" in problem
    assert problem.isprintable()


def test_a_machine_without_gh_verifies_nothing(tmp_path: Path) -> None:
    """The problem names the missing program."""
    environ = {"PATH": str(tmp_path)}
    assert "`gh`" in attestation_problem(tmp_path / "a.zip", DIGEST, COMMIT, SIGNER, environ)


@pytest.mark.parametrize("text", ["attest.yml", "a/b/.github/workflows/c.yml@v1", "a/b/c.yml", "../x", "--repo"])
def test_only_the_full_name_of_a_workflow_is_a_signer(text: str) -> None:
    """A name without its repository, or with a branch, is an error of the input."""
    with pytest.raises(InputError) as error:
        check_signer_workflow(text)
    assert "signer-workflow" in error.value.message
