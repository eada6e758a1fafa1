"""What GitHub publishes: the payloads of its events, and the schema of its GraphQL API."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.github.commits import mutation_input
from ghmlops.core.context import is_sha, read_context
from github_api.planned_revert import COMMITS, TIP

if TYPE_CHECKING:
    from collections.abc import Iterator

NODE = Path(os.environ.get("GHMLOPS_NODE_TOOLS", "missing"))
EXAMPLES = NODE / "node_modules/@octokit/webhooks-examples/api.github.com/index.json"
SHA = "d" * 40
needs_node = pytest.mark.skipif(
    not EXAMPLES.is_file() or shutil.which("node") is None,
    reason="the Node packages are not installed (scripts/test installs them)",
)
_HEAD = r"(?:query|mutation)\b\s*\w*\s*(?:\([^)]*\))?\s*\{"
DOCUMENT = re.compile(rf'"({_HEAD}[^"]*\}})"|"""\s*({_HEAD}.*?)"""', re.DOTALL)


def payloads() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the payload of each example of each event."""
    for event in json.loads(EXAMPLES.read_text(encoding="utf-8")):
        yield from ((event["name"], payload) for payload in event["examples"])


@needs_node
def test_every_event_has_a_context() -> None:
    """Whatever the event, the commits are commits or absent, and the number is that of the pull request."""
    events = set()
    for name, payload in payloads():
        context = read_context({"GITHUB_EVENT_NAME": name, "GITHUB_SHA": SHA}, payload)
        assert is_sha(context.head_sha), name
        assert context.base_sha == "" or is_sha(context.base_sha), name
        pull_request = payload.get("pull_request")
        assert context.pull_request == (pull_request["number"] if pull_request else None), name
        events.add(name)
    assert len(events) > 50


@needs_node
@pytest.mark.parametrize(
    ("event", "head", "base"),
    [
        ("pull_request", ("pull_request", "head", "sha"), ("pull_request", "base", "sha")),
        ("pull_request_review", ("pull_request", "head", "sha"), ("pull_request", "base", "sha")),
        ("workflow_run", ("workflow_run", "head_sha"), ()),
        ("merge_group", (), ("merge_group", "base_sha")),
        ("push", (), ("before",)),
    ],
)
def test_commits_of_an_event(event: str, head: tuple[str, ...], base: tuple[str, ...]) -> None:
    """Head and base are those that the payload names; a new branch has no base."""
    for name, payload in payloads():
        if name != event:
            continue
        context = read_context({"GITHUB_EVENT_NAME": name, "GITHUB_SHA": SHA}, payload)
        assert context.head_sha == (at(payload, head) if head else SHA)
        assert context.base_sha == (at(payload, base) if base else "").replace("0" * 40, "")


def at(payload: dict[str, Any], path: tuple[str, ...]) -> str:
    """Return the text at the path."""
    value: Any = payload
    for key in path:
        value = value[key]
    return str(value)


@needs_node
def test_graphql_documents_are_valid(root: Path) -> None:
    """Each query and mutation in the package follows GitHub's schema; the check itself finds a wrong field."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in sorted((root / "src").rglob("*.py")))
    documents = [first or second for first, second in DOCUMENT.findall(sources)]
    assert "query { viewer { login } }" in documents
    assert errors_in(documents) == ""
    assert "name_of_no_field" in errors_in(["query { viewer { name_of_no_field } }"])


@needs_node
def test_the_input_of_a_commit_is_valid() -> None:
    """What a verified revert sends follows GitHub's schema, which knows no other field."""
    fields = mutation_input("acme/shop", "main", TIP, COMMITS[0])
    document = "mutation {{ createCommitOnBranch(input: {}) {{ commit {{ oid }} }} }}".format
    assert errors_in([document(literal(fields))]) == ""
    assert "mode" in errors_in([document(literal({**fields, "mode": "100755"}))])


def literal(value: Any) -> str:
    """Return a JSON value as GraphQL writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return json.dumps(value)


def errors_in(documents: list[str]) -> str:
    """Return what the schema has against the documents."""
    command = ["node", str(NODE / "check-graphql.mjs")]
    text = json.dumps(documents)
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stderr, done.returncode) == ("", 1 if done.stdout else 0)
    return done.stdout
