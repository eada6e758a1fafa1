"""Writes what is generated, or checks it (`--check`): parts of action.yml files and READMEs, and the JSON Schemas.

The types are the source. `Inputs` and `OUTPUTS` of a command give the inputs, outputs and environment of its
action.yml; the action.yml gives the tables of its README; `ghmlops.core.evidence.schema` gives the schemas that are shipped.
Everything outside of the marked regions is written by hand. A new action begins as a copy of another one's folder.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
from pathlib import Path
from typing import Any

import msgspec
import yaml

from ghmlops.cli import command_module, input_types
from ghmlops.commands import COMMANDS
from ghmlops.core.evidence.schema import SCHEMAS, json_schema
from ghmlops.core.model import Outcome

ROOT = Path(__file__).resolve().parent.parent
NOT_IN_ACTIONS = {"json": "an action's result is its outputs and files; its standard output is the log"}
"""Inputs of every command that no action has, with the reason."""


def main(arguments: list[str]) -> int:
    """Write all generated files; with `--check` write nothing, show the differences, return 1 for any."""
    stale = {path: text for path, text in generated(ROOT).items() if _read(path) != text}
    for path, text in stale.items():
        if "--check" in arguments:
            name = str(path.relative_to(ROOT))
            sys.stdout.writelines(difflib.unified_diff(_lines(_read(path)), _lines(text), name, f"{name} (generated)"))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if stale and "--check" in arguments else 0


def generated(root: Path) -> dict[Path, str]:
    """Return the wanted text of every file that is generated, or holds a generated region.

    Raises:
        ValueError: an action.yml or README lacks a marked region.
    """
    wanted: dict[Path, str] = {}
    for command in COMMANDS:
        if not command.action:
            continue
        action = root / command.action
        module = command_module(command.name)
        text = _read(action)
        text = region(text, "inputs and outputs", _interface(module.Inputs, module.OUTPUTS), "#", str(action))
        wanted[action] = region(text, "environment", _environment(module.Inputs), "#", str(action))
        readme = root / "actions" / command.name / "README.md"
        text = _read(readme)
        for name, table in tables(yaml.safe_load(wanted[action])).items():
            text = region(text, name, table, "<!--", str(readme))
        wanted[readme] = text
    for name in SCHEMAS:
        schema = json.dumps(json_schema(name), indent=2, ensure_ascii=False)
        wanted[root / "src" / "ghmlops" / "schemas" / name] = schema + "\n"
    return wanted


def region(text: str, name: str, content: str, comment: str, file: str) -> str:
    """Return `text` with the lines between the markers of the region `name` replaced by `content`, indented alike.

    Raises:
        ValueError: the region is not there exactly once.
    """
    end = " -->" if comment == "<!--" else ""
    first, last = re.escape(f"{comment} generated: {name}{end}"), re.escape(f"{comment} end of generated{end}")
    pattern = re.compile(rf"^(?P<indent> *){first}\n(?:.*\n)*?(?P=indent){last}$", re.MULTILINE)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"{file}: expected one region `{comment} generated: {name}{end}`")

    def replace(match: re.Match[str]) -> str:
        lines = [f"{comment} generated: {name}{end}", *content.splitlines(), f"{comment} end of generated{end}"]
        return "\n".join(match["indent"] + line if line else "" for line in lines)

    return pattern.sub(replace, text)


def action_inputs(kind: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401  (a command's `Inputs`)
    """Return the inputs of a command's action: name to description, `required`, and default where there is one."""
    found = {}
    fields = {f.encode_name: f for f in msgspec.structs.fields(kind)}
    for field, annotated in input_types(kind).items():
        if field in NOT_IN_ACTIONS:
            continue
        doc = annotated.__metadata__[0]
        body: dict[str, Any] = {"description": doc.description, "required": fields[field].required}
        if not fields[field].required:
            secret = (doc.extra or {}).get("secret")
            body["default"] = "${{ github.token }}" if secret is True else _default(fields[field].default)
        found[field.replace("_", "-")] = body
    return found


def _default(value: object) -> str:
    """Return a default as GitHub writes it: every input is a string, and unset is the empty one."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Outcome):
        return value.value
    return "" if value is None else str(value)


def _interface(kind: Any, outputs: Any) -> str:  # noqa: ANN401
    lines = ["inputs:"]
    for name, body in action_inputs(kind).items():
        lines += [f"  {name}:", f"    description: {_quoted(body['description'])}"]
        lines.append(f"    required: {str(body['required']).lower()}")
        lines += [f"    default: {_quoted(body['default'])}"] if "default" in body else []
    lines.append("outputs:")
    for output in outputs:
        lines += [f"  {output.name}:", f"    description: {_quoted(output.description)}"]
        lines.append(f"    value: ${{{{ steps.ghmlops.outputs.{output.name} }}}}")
    return "\n".join(lines)


def _environment(kind: Any) -> str:  # noqa: ANN401
    names = action_inputs(kind)
    return "\n".join(f"GHMLOPS_{n.upper().replace('-', '_')}: ${{{{ inputs.{n} }}}}" for n in names)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def tables(action: dict[str, Any]) -> dict[str, str]:
    """Return the Markdown tables of a parsed action.yml: region name to text."""
    rows = ["| input | what it is | default |", "| --- | --- | --- |"]
    for name, body in action["inputs"].items():
        default = "**required**" if body["required"] else f"`{body['default']}`" if body["default"] else ""
        rows.append(f"| `{name}` | {_cell(body['description'])} | {default} |")
    results = ["| output | what it is |", "| --- | --- |"]
    results += [f"| `{name}` | {_cell(body['description'])} |" for name, body in action["outputs"].items()]
    return {"inputs": "\n".join(rows), "outputs": "\n".join(results)}


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
