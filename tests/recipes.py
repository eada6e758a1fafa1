"""Applies the recipes of CONTRIBUTING to a scratch copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / ".github" / "CONTRIBUTING.md"
_RECIPE = re.compile(r"^### (.+)$", re.MULTILINE)
_BLOCK = re.compile(
    r"^```python file=src/(?P<file>\S+)(?: (?P<mode>before|replace)='(?P<line>[^\n]+)')?\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """A copy of the package to which a recipe was applied."""

    source: Path
    """Folder of the copy that holds the package; goes into PYTHONPATH."""

    def run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line of the copy in a folder."""
        return self._python(folder, "-m", "ghmlops", *arguments)

    def evaluate(self, folder: Path, code: str) -> str:
        """Run code with the copy and return what it prints."""
        done = self._python(folder, "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _python(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        runner = ("GITHUB_", "GHMLOPS_", "RUNNER_", "ACTIONS_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(runner)}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env={**environment, "PYTHONPATH": str(self.source), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def titles() -> list[str]:
    """Return the titles of all recipes."""
    text = DOCUMENT.read_text(encoding="utf-8")
    recipes = text[text.index("\n## Recipes\n") :].partition("\n## ")[2].partition("\n## ")[0]
    return _RECIPE.findall(recipes)


def apply_recipe(title: str, folder: Path) -> Scratch:
    """Copy the package to `folder/src` and apply each block of a recipe in order.

    A block without an anchor is a new file. Otherwise it is inserted before, or replaces, the first line that starts
    with the anchor.
    """
    source = folder / "src"
    package = Path(__file__).parents[1] / "src" / "ghmlops"
    shutil.copytree(package, source / "ghmlops", ignore=shutil.ignore_patterns("__pycache__"))
    text = DOCUMENT.read_text(encoding="utf-8")
    recipe = text[text.index(f"\n### {title}\n") + 5 :]
    blocks = list(_BLOCK.finditer(re.split(r"^##", recipe, maxsplit=1, flags=re.MULTILINE)[0]))
    assert blocks, f"the recipe {title!r} has no code"
    for block in blocks:
        path = source / block["file"]
        if block["mode"] is None:
            assert not path.exists(), f"{block['file']} exists already"
            path.write_text(block["code"], encoding="utf-8")
        else:
            path.write_text(_edit(path.read_text(encoding="utf-8"), block), encoding="utf-8")
    return Scratch(source=source)


def _edit(text: str, block: re.Match[str]) -> str:
    lines = text.splitlines(keepends=True)
    index = next((i for i, line in enumerate(lines) if line.startswith(block["line"])), None)
    assert index is not None, f"{block['file']} has no line that starts with {block['line']!r}"
    rest = index + (block["mode"] == "replace")
    return "".join([*lines[:index], block["code"], *lines[rest:]])
