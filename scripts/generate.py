"""Writes or checks (`--check`) generated files: parts of action.yml files and READMEs, the JSON Schemas, and the
descriptor of the gRPC messages.

The types are the source. `Inputs` and `OUTPUTS` of a command give the inputs, outputs and environment of its
action.yml; the action.yml gives the tables of its README, whose sections `ghmlops explain` prints;
`ghmlops.core.evidence.schema` and `ghmlops.core.policyfile.schema` give the shipped schemas.
Text outside of the marked regions is written by hand. A new action starts as a copy of the folder of another action.
"""

from __future__ import annotations

import difflib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import yaml

from ghmlops.commands import COMMANDS, command_module
from ghmlops.commands.shared.arguments import input_types
from ghmlops.core.adoption.explanations import PAGES, section
from ghmlops.core.evidence.schema import SCHEMAS, json_schema
from ghmlops.core.model import Outcome
from ghmlops.core.policyfile.schema import policy_schema

ROOT = Path(__file__).resolve().parent.parent
NOT_IN_ACTIONS = {"json": "an action's result is its outputs and files; its standard output is the log"}
"""Inputs of every command that no action has, with the reason."""


def main(arguments: list[str]) -> int:
    """Write all generated files; with `--check` only print the differences, and return 1 if there are any."""
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
    """Return the expected text of every file that is generated or contains a generated region.

    Raises:
        ValueError: An action.yml or README lacks a marked region.
    """
    expected: dict[Path, str] = {}
    for command in COMMANDS:
        if not command.action:
            continue
        action = root / command.action
        module = command_module(command.name)
        text = _read(action)
        text = region(text, "inputs and outputs", _interface(module.Inputs, module.OUTPUTS), "#", str(action))
        expected[action] = region(text, "environment", _environment(module.Inputs), "#", str(action))
        readme = root / "actions" / command.name / "README.md"
        text = _read(readme)
        for name, table in tables(yaml.safe_load(expected[action])).items():
            text = region(text, name, table, "<!--", str(readme))
        expected[readme] = text
    for name in SCHEMAS:
        schema = json.dumps(json_schema(name), indent=2, ensure_ascii=False)
        expected[root / "src" / "ghmlops" / "schemas" / name] = schema + "\n"
    schema = json.dumps(policy_schema(), indent=2, ensure_ascii=False)
    expected[root / "src" / "ghmlops" / "schemas" / "policy-v1.json"] = schema + "\n"
    expected[root / "src" / "ghmlops" / "explanations.json"] = explanations(root, expected)
    folder = root / "src" / "ghmlops" / "measure" / "load" / "protocols"
    expected[folder / "open_inference_descriptor.py"] = descriptor_module(folder / "open_inference.proto")
    return expected


def explanations(root: Path, expected: dict[Path, str]) -> str:
    """Return the sections of the pages that explain findings, as JSON, so that `ghmlops explain` needs no network.

    Raises:
        ValueError: A section does not exist.
    """
    texts = {}
    for page in PAGES:
        name, _, anchor = page.partition("#")
        texts[page] = section(expected.get(root / name) or _read(root / name), anchor)
        if not texts[page]:
            raise ValueError(f"{page}: there is no such section")
    return json.dumps(texts, indent=2, ensure_ascii=False) + "\n"


def descriptor_module(proto: Path) -> str:
    """Return a module with the compiled descriptor of a .proto file, as bytes of a `FileDescriptorProto`.

    Raises:
        RuntimeError: The file cannot be compiled, or the package `grpcio-tools` is not installed.
    """
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "descriptors"
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{proto.parent}", f"--descriptor_set_out={output}"]
        done = subprocess.run([*command, str(proto)], capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(f"protoc failed on {proto.name}: {done.stderr.strip()}")
        (file,) = FileDescriptorSet.FromString(output.read_bytes()).file
    lines = [f'"""Compiled descriptor of {proto.name}; generated by scripts/generate.py."""', ""]
    lines += ["# The bytes of a `google.protobuf.FileDescriptorProto`.", "FILE_DESCRIPTOR = ("]
    data = file.SerializeToString(deterministic=True)
    lines += [f'    b"{_escaped(data[start : start + 48])}"' for start in range(0, len(data), 48)]
    return "\n".join([*lines, ")", ""])


def _escaped(data: bytes) -> str:
    return "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\x{c:02x}" for c in data)


def region(text: str, name: str, content: str, comment: str, file: str) -> str:
    """Return `text` with the lines between the markers of the region `name` replaced by the indented `content`.

    Raises:
        ValueError: The text does not contain the region exactly once.
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
    """Return the inputs of a command's action: name to description, `required`, and default if it has one."""
    inputs = {}
    fields = {f.encode_name: f for f in msgspec.structs.fields(kind)}
    for field, annotated in input_types(kind).items():
        if field in NOT_IN_ACTIONS:
            continue
        doc = annotated.__metadata__[0]
        body: dict[str, Any] = {"description": doc.description, "required": fields[field].required}
        if not fields[field].required:
            secret = (doc.extra or {}).get("secret")
            body["default"] = "${{ github.token }}" if secret is True else _default(fields[field].default)
        inputs[field.replace("_", "-")] = body
    return inputs


def _default(value: object) -> str:
    """Return a default as a string, as GitHub requires; an unset default is the empty string."""
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
