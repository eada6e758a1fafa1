"""MkDocs hook: generates the reference pages of the site from the code and from the pages of the repository.

Nothing is written to the sources. The pages of the actions are their README.md files, so that there is one text; links
between them lead to the pages of the site, and links to other files of the repository to GitHub.
"""

from __future__ import annotations

import posixpath
import re
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(Path(__file__).parent)]

from reference_types import evidence_page, one_line, policy_page, table  # noqa: E402

from generate import action_inputs, tables  # noqa: E402  (the path is set above)
from ghmlops.commands import COMMANDS, command_module  # noqa: E402
from ghmlops.core.adoption.explanations import FINDINGS, heading_anchor  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

GITHUB = "https://github.com/ghmlops/ghmlops/blob/main/"
PAGES = {
    **{f"actions/{c.name}/README.md": f"reference/actions/{c.name}.md" for c in COMMANDS if c.action},
    "README.md": "index.md",
    "CHANGELOG.md": "reference/changelog.md",
    ".github/SECURITY.md": "reference/security.md",
    "scripts/bench/README.md": "reference/benchmarks.md",
}
"""File of the repository to the page of the site that shows it."""
_SHOWN = [file for file in PAGES if file != "README.md"]
_LINK = re.compile(r"(\]\()(?!https?:|mailto:)([^)\s]+)(\))")
_ITEM = re.compile(r"^(?:[-*]|\d+\.) ")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give headings the anchors that GitHub gives them, so that one link works in both places."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = lambda title, _separator: heading_anchor(title)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for name, text in pages().items():
        files.append(File.generated(config, name, content=text))
    image = ".github/images/comment.png"
    files.append(File.generated(config, "assets/comment.png", abs_src_path=str(ROOT / image)))
    return files


def pages() -> dict[str, str]:
    """Return the text of every generated page by its name."""
    texts = {PAGES[file]: page_of_file(file) for file in _SHOWN}
    texts["reference/workflows.md"] = _workflows()
    texts["reference/commands.md"] = _commands()
    texts["reference/policy.md"] = policy_page()
    texts["reference/findings.md"] = _findings()
    texts["reference/evidence.md"] = evidence_page()
    return texts


def page_of_file(file: str) -> str:
    """Return a Markdown file of the repository as a page of the site."""
    text = (ROOT / file).read_text(encoding="utf-8")
    text = re.sub(r"^<!-- .* -->\n", "", text, flags=re.MULTILINE)
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else _prose(part, file) for part in parts)


def _prose(text: str, file: str) -> str:
    """Return Markdown outside of code blocks, as Python-Markdown reads it.

    GitHub begins a list without a blank line before it and nests by two spaces; Python-Markdown does neither.
    """
    text = _LINK.sub(lambda match: match[1] + site_link(match[2], file) + match[3], text)
    lines: list[str] = []
    in_list = False
    for line in text.splitlines():
        is_item = bool(_ITEM.match(line))
        if is_item and not in_list and lines and lines[-1].strip():
            lines.append("")
        in_list = is_item or (in_list and (line.startswith("  ") or not line.strip()))
        indent = len(line) - len(line.lstrip(" "))
        lines.append(" " * indent + line if in_list and indent else line)
    return "\n".join([*lines, ""])


def site_link(target: str, file: str) -> str:
    """Return the link to a file of the repository as the page that shows `file` needs it."""
    path, _, anchor = target.partition("#")
    anchor = f"#{anchor}" if anchor else ""
    if not path:
        return anchor
    name = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
    if name in PAGES and name != "README.md":
        return posixpath.relpath(PAGES[name], posixpath.dirname(PAGES[file])) + anchor
    return f"{GITHUB}{name}{anchor}"


def _workflows() -> str:
    lines = ["# Reusable workflows", "", "Generated from the files in `.github/workflows`.", ""]
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        body = yaml.safe_load(text)
        triggers = body[True] if isinstance(body[True], dict) else {}
        if "workflow_call" not in triggers:
            continue
        header = [line for line in text.splitlines() if line.startswith("#")]
        comment = [line.removeprefix("#").removeprefix(" ") for line in header]
        lines += [f"## {path.name}", ""]
        for is_code, group in _groups(comment):
            code = textwrap.dedent("\n".join(group)).strip("\n")
            lines += ["```yaml", code, "```", ""] if is_code else [*group, ""]
        call = triggers["workflow_call"]
        rows = [
            (f"`{name}`", one_line(i["description"]), "**required**" if i.get("required") else f"`{i.get('default')}`")
            for name, i in (call.get("inputs") or {}).items()
        ]
        lines += table(("input", "what it is", "default"), [(a, b, "" if c == "``" else c) for a, b, c in rows])
        if secrets := call.get("secrets"):
            lines += table(
                ("secret", "what it is"), [(f"`{n}`", one_line(s["description"])) for n, s in secrets.items()]
            )
        if outputs := call.get("outputs"):
            lines += table(
                ("output", "what it is"), [(f"`{n}`", one_line(o["description"])) for n, o in outputs.items()]
            )
        jobs = [
            (f"`{name}`", ", ".join(f"`{scope}: {level}`" for scope, level in job["permissions"].items()) or "none")
            for name, job in body["jobs"].items()
        ]
        lines += table(("job", "permissions"), jobs)
    return "\n".join(lines)


def _described(items: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(f"`{name}`", one_line(item["description"])) for name, item in items.items()]


def _groups(lines: list[str]) -> Iterator[tuple[bool, list[str]]]:
    """Yield the paragraphs of a comment, and whether each is code: code is indented."""
    group: list[str] = []
    is_code = False
    for line in [*lines, ""]:
        indented = line.startswith("  ")
        if line.strip() and indented != is_code and group:
            yield is_code, group
            group = []
        if line.strip():
            is_code = indented
            group.append(line)
    if group:
        yield is_code, group


def _commands() -> str:
    lines = [
        "# Commands",
        "",
        "Generated from the inputs of the commands. A flag `--name` is the variable `GHMLOPS_NAME` and, in an action,",
        "the input `name`.",
        "",
    ]
    for command in COMMANDS:
        inputs = command_module(command.name).Inputs
        rows = tables({"inputs": action_inputs(inputs), "outputs": {}})["inputs"]
        rows = rows.replace("${{ github.token }}", "").replace("``", "")
        lines += [
            f"## ghmlops {command.name}",
            "",
            f"{command.summary[:1].upper()}{command.summary[1:]}.",
            "",
            rows,
            "",
        ]
    return "\n".join(lines)


def _findings() -> str:
    lines = [
        "# Findings",
        "",
        "Generated from the table that `ghmlops explain` reads. An asterisk stands for a metric, a percentile or a",
        "kind. The command prints the sections without a network: `ghmlops explain regression-auc`.",
    ]
    rows = [
        (f"`{finding}`", ", ".join(_section_link(page) for page in sections)) for finding, sections in FINDINGS.items()
    ]
    return "\n".join([*lines, *table(("finding", "explained in"), rows)])


def _section_link(page: str) -> str:
    file, _, anchor = page.partition("#")
    text = (ROOT / file).read_text(encoding="utf-8")
    (title,) = {t for t in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE) if heading_anchor(t) == anchor}
    target = posixpath.relpath(PAGES[file], "reference") if file in _SHOWN else f"{GITHUB}{file}"
    name = file.split("/")[1] if file.startswith("actions/") else "README"
    return f"[{name}: {title}]({target}#{anchor})"
