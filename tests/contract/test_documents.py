"""The documents are correct: examples pass the checkers; permissions, links and anchors of findings are valid."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import pytest

from declared import EXAMPLES, Workflow
from ghmlops.commands import COMMANDS
from ghmlops.core.pillars import PILLARS

if TYPE_CHECKING:
    from types import ModuleType

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ghmlops" / "tools"
ACTIONLINT = Path(os.environ.get("GHMLOPS_ACTIONLINT") or CACHE / "actionlint-v1.7.12" / "actionlint")
HEADINGS = ("When to use it", "Permissions", "Inputs", "Outputs", "A complete workflow", "Limits")
ACTION_COMMANDS = [c.name for c in COMMANDS if c.action]


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    text = re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


def test_every_action_has_its_page(root: Path) -> None:
    """Every command with an action has a folder in `actions/` with a README, and there is no other folder."""
    assert sorted(ACTION_COMMANDS) == sorted(p.parent.name for p in root.glob("actions/*/README.md"))
    assert sorted(ACTION_COMMANDS) == sorted(p.name for p in (root / "actions").iterdir())


@pytest.mark.parametrize("name", ACTION_COMMANDS)
def test_a_page_is_complete(root: Path, name: str) -> None:
    """A page has every section, and a complete workflow that uses its action."""
    text = (root / "actions" / name / "README.md").read_text()
    titles = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    uses = "ghmlops/ghmlops@v1" if name == "check" else f"ghmlops/ghmlops/actions/{name}@v1"
    assert set(HEADINGS) <= set(titles)
    assert uses in text


@pytest.mark.parametrize("name", ACTION_COMMANDS)
def test_permissions_are_documented(root: Path, name: str) -> None:
    """The table of permissions equals the permissions of the example."""
    text = (root / "actions" / name / "README.md").read_text()
    section = text.split("## Permissions")[1].split("\n## ")[0]
    documented = set(re.findall(r"^\| `([a-z-]+: [a-z]+)` \|", section, flags=re.MULTILINE))
    examples = [w for w in EXAMPLES if w.name.startswith(f"actions/{name}/")]
    granted = {f"{k}: {v}" for w in examples for job in w.body["jobs"].values() for k, v in job["permissions"].items()}
    assert documented == granted


def test_an_example_grants_permissions_per_job(example: Workflow) -> None:
    """The examples grant no permissions by default, and each job lists its permissions."""
    assert example.body["permissions"] == {}
    assert all("permissions" in job for job in example.body["jobs"].values() if "ghmlops" in str(job))


def test_an_example_passes_actionlint(example: Workflow, tmp_path: Path) -> None:
    """actionlint reports nothing about the examples and their scripts."""
    if not ACTIONLINT.is_file():
        pytest.skip("actionlint is not built: `scripts/test` does it where Go is on the machine")
    file = tmp_path / "example.yml"
    file.write_text(example.text)
    # GitHub knows `queue`, and the language service below checks it; the pinned actionlint does not.
    accepted = 'unexpected key "queue" for "concurrency" section'
    command = [str(ACTIONLINT), "-pyflakes=", "-ignore", accepted, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_an_example_passes_the_language_service(root: Path, example: Workflow, tmp_path: Path) -> None:
    """GitHub's language service, which resolves the inputs of our actions, reports nothing about the examples."""
    tools = os.environ.get("GHMLOPS_NODE_TOOLS") or max(
        CACHE.glob("node-*"), key=lambda p: p.stat().st_mtime, default=""
    )
    if not (Path(tools) / "lint-actions.mjs").is_file():
        pytest.skip("the language service is not installed: `scripts/test` does it where npm is on the machine")
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "example.yml").write_text(example.text)
    command = ["node", f"{tools}/lint-actions.mjs", str(root), str(folder / "example.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout + done.stderr, done.returncode) == ("1 files checked\n", 0)


def test_links_are_valid(document: Path, root: Path) -> None:
    """Every relative link names an existing file, and its anchor a heading of that file."""
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", document.read_text()):
        path, _, anchor = target.partition("#")
        linked = (document.parent / path).resolve() if path else document
        assert linked.exists(), f"{document.relative_to(root)} links to {target}"
        if anchor:
            assert anchor in anchors(linked)


def references(root: Path) -> list[tuple[str, str]]:
    """Return (module, page with anchor) of every argument `docs` in the source."""
    results = []
    for path in sorted((root / "src").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        name = ".".join(path.relative_to(root / "src").with_suffix("").parts)
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.keyword) and node.arg == "docs":
                    results += [
                        (name, page) for page in pages(importlib.import_module(name), tree, function, node.value)
                    ]
    return sorted(set(results))


def pages(module: ModuleType, tree: ast.Module, function: ast.FunctionDef, value: ast.expr) -> list[str]:
    """Return the possible values of an expression, with the constants of the module and the arguments of its calls."""
    code = compile(ast.Expression(value), module.__name__, "eval")
    parameters = [argument.arg for argument in function.args.args]
    used = [name for name in code.co_names if name in parameters]
    if not used:
        return [eval(code, vars(module))]  # noqa: S307  (this project's own source)
    (name,) = used
    if name == "pillar":
        rows = [pillar for pillar in PILLARS if pillar.in_check]
        return [eval(code, {**vars(module), name: pillar}) for pillar in rows]  # noqa: S307
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == function.name]
    arguments = {
        argument.value for call in calls for argument in call.args[parameters.index(name) :][:1] if is_text(argument)
    }
    assert calls
    assert arguments, f"{module.__name__}: no call has a constant for `{name}`"
    return [eval(code, {**vars(module), name: text}) for text in arguments]  # noqa: S307


def is_text(node: ast.expr) -> TypeGuard[ast.Constant]:
    """Return whether the node is a string literal."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_findings_link_to_existing_headings(root: Path) -> None:
    """Every page and heading that a finding links to exists."""
    anchors_of: dict[str, set[str]] = {}
    links = references(root)
    assert len({module for module, _ in links}) > 5
    for module, page in links:
        document, _, anchor = page.partition("#")
        anchors_of.setdefault(document, anchors(root / document))
        assert anchor in anchors_of[document], f"{module}: {page}"
