"""The documentation site: it builds without a warning, and what its pages tell people to write is accepted."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import yaml

from declared import ROOT
from declared import SITE as PAGES
from ghmlops.commands import COMMANDS, command_module
from ghmlops.commands.shared.arguments import parse_inputs
from ghmlops.core.adoption.explanations import FINDINGS
from ghmlops.core.policyfile.document import read_policy
from ghmlops.core.policyfile.schema import policy_schema

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

SITE = ROOT / ".github" / "site"
FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>[\w-]*)(?P<options>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S)
SETTINGS = tuple(policy_schema()["properties"])
"""Keys of a policy."""
QUESTIONS = (
    *("pin", "costs", "data", "personal-data", "onboard", "monorepo", "containers", "remote-services", "gpu-runners"),
    *("private-index", "hold", "freeze", "override", "re-run", "required-checks", "backtest", "dispatch", "from-k6"),
    *("from-vegeta", "from-locust", "from-evidently", "from-great-expectations", "from-cml", "from-dvc"),
)
"""What maintainers asked and had no answer to."""


def blocks(*kinds: str) -> list[Any]:
    """Return the code blocks of these kinds on all pages."""
    return [
        pytest.param(re.sub(f"^{fence['indent']}", "", fence["text"], flags=re.M), id=f"{path.stem}:{number}")
        for path in PAGES
        for number, fence in enumerate(FENCE.finditer(path.read_text(encoding="utf-8")))
        if fence["kind"] in kinds
    ]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """Return the hook that generates the reference."""
    spec = importlib.util.spec_from_file_location("reference", SITE / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_site_builds(tmp_path: Path) -> None:
    """Every link, anchor and page of the navigation exists, nothing is loaded from elsewhere, and search finds keys."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(SITE / "mkdocs.yml")]
    done = subprocess.run(
        [*command, "--site-dir", str(tmp_path)],
        env={"NO_MKDOCS_2_WARNING": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pages = sorted(tmp_path.rglob("*.html"))
    assert len(pages) > len(PAGES) + len(COMMANDS)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)[^>]* src=\"?(https?:[^\" >]+)", text)
        loaded += re.findall(r"<link[^>]* href=\"?(https?:[^\" >]+)\"? rel=\"?stylesheet", text)
        assert not loaded, page
        assert 'data-md-component="source"' not in text  # asks GitHub's API how many stars there are
        assert "```" not in re.sub(r"<(pre|code).*?</\1>", "", text, flags=re.S), page
    index = json.loads((tmp_path / "search" / "search_index.json").read_text())
    assert any("min-label-coverage" in entry["text"] for entry in index["docs"])


@pytest.mark.parametrize("text", blocks("yaml"))
def test_policies_are_valid(text: str) -> None:
    """A block of YAML is a workflow, which other tests check, or some sections of a policy, which are read strictly."""
    body = yaml.safe_load(text)
    if "jobs" in body:
        return
    assert set(body) <= set(SETTINGS)
    head = {"version": "version: 1\n", "service": "service: example\n"}
    read_policy("".join(line for key, line in head.items() if key not in body) + text)


def commands() -> list[Any]:
    """Return the calls of `ghmlops` in consoles."""
    return [
        pytest.param(line.partition("  # ")[0], id=line[8:60])
        for block in blocks("console", "shell-session")
        for line in re.findall(r"^\$ (ghmlops .*)$", block.values[0], flags=re.M)
    ]


@pytest.mark.parametrize("line", commands())
def test_commands_are_valid(line: str) -> None:
    """A command of a console exists, and has these flags."""
    name, *arguments = shlex.split(line)[1:]
    assert name in {command.name for command in COMMANDS}
    assert parse_inputs(name, command_module(name), arguments, {}) is not None


def test_names_in_the_text_exist() -> None:
    """A command in the text exists, and so does a finding, a reusable workflow and a benchmark."""
    names = {command.name for command in COMMANDS}
    for path in PAGES:
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        for command in re.findall(r"`ghmlops ([a-z-]+)", text):
            assert command in names, f"{path.name}: {command}"
        for script in re.findall(r"`(scripts/[\w/]+)", text):
            assert (ROOT / script).exists(), f"{path.name}: {script}"
        for workflow in re.findall(r"`([\w-]+\.yml)`", text):
            own = (ROOT / ".github/workflows" / workflow).is_file()
            assert own or workflow.startswith(("ghmlops", "dependabot")), f"{path.name}: {workflow}"


def test_every_question_has_a_page() -> None:
    """Each question has a page with an answer, and the overview links to it."""
    overview = (SITE / "docs/how-to/index.md").read_text()
    for question in QUESTIONS:
        (page,) = (p for p in PAGES if p.parent.name == "how-to" and p.stem.startswith(question))
        assert len(page.read_text().split()) > 60, page.name
        assert f"({page.name})" in overview


def test_figures_are_those_of_the_benchmarks() -> None:
    """Each line of a table of figures stands in the results of the benchmarks."""
    results = (ROOT / "scripts/bench/README.md").read_text(encoding="utf-8").splitlines()
    lines = [
        line
        for path in PAGES
        if path.parent.name == "explanation"
        for fence in FENCE.finditer(path.read_text(encoding="utf-8"))
        for line in fence["text"].splitlines()
    ]
    assert len(lines) > 30
    assert [line for line in lines if line not in results] == []


def test_the_reference_is_complete(reference: ModuleType) -> None:
    """Every action, key of the policy, family of findings and type of evidence has its row."""
    pages = reference.pages()
    for command in COMMANDS:
        assert f"## ghmlops {command.name}\n" in pages["reference/commands.md"]
        assert not command.action or len(pages[f"reference/actions/{command.name}.md"]) > 1000
    assert all(f"| `{finding}` |" in pages["reference/findings.md"] for finding in FINDINGS)
    for name in SETTINGS:
        assert f"| `{name}` |" in pages["reference/policy.md"]
    for key in ("changed-rows", "min-label-coverage", "first-run", "bake"):
        assert f"| `{key}` |" in pages["reference/policy.md"]
    for kind in ("Finding", "RegressionDetails", "LatencyDetails"):
        assert f"### {kind}\n" in pages["reference/evidence.md"]


def test_links_of_shown_pages_lead_to_pages(reference: ModuleType) -> None:
    """A link between files of the repository becomes a link between pages, and any other leads to GitHub."""
    link = reference.site_link
    assert link("../report/README.md#sizes", "actions/gate/README.md") == "report.md#sizes"
    assert link("../actions/gate/README.md", ".github/SECURITY.md") == "actions/gate.md"
    assert link("#limits", "actions/gate/README.md") == "#limits"
    assert link("../../.github/workflows/load.yml", "actions/latency/README.md") == (
        "https://github.com/ghmlops/ghmlops/blob/main/.github/workflows/load.yml"
    )


def test_links_to_other_hosts_are_well_formed(reference: ModuleType) -> None:
    """A link to another host is complete, and one into this repository names a file of it; the network is not asked."""
    texts = [path.read_text(encoding="utf-8") for path in PAGES] + list(reference.pages().values())
    links = {link for text in texts for link in re.findall(r"\]\((https?:[^)\s]*)\)", FENCE.sub("", text))}
    assert len(links) > 4
    for link in links:
        parts = urlsplit(link)
        assert parts.scheme == "https", link
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), link
        if link.startswith(reference.GITHUB):
            assert (ROOT / link.removeprefix(reference.GITHUB).partition("#")[0]).exists(), link
