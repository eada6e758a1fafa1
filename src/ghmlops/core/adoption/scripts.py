"""Derives from the text of a repository's scripts how its model is built and how its predictions are made."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_WRITES = re.compile(r"\b(to_parquet|write_table|write_parquet|sink_parquet|ParquetWriter)\(")
_PREDICTS = re.compile(r"(?i)(^|[_/])(batch_?)?(predict|score|infer|forecast|evaluat)")
_TRAINS = re.compile(r"(?i)(^|[_/])(train|fit|build_model|make_model)[^/]*\.py$")
_OPTION = re.compile(r"""(?:add_argument|[oO]ption)\(([^)]*)""")
_FLAG = re.compile(r"""["'](--[a-z][a-z0-9_-]*)["']""")
_OUT_FLAG = re.compile(r"--(out|output|predictions|destination|dest)([_-](file|path|parquet))?")
_POSITIONAL = re.compile(r"sys\.argv\[(\d+)\]")
_MODEL_FILE = re.compile(
    r"""["']([\w][\w./-]*\.(?:joblib|pkl|pickle|onnx|pt|pth|npz|npy|bin|json|txt|cbm|ubj|model|h5|keras|safetensors))["']"""
)


def model_files(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Return each training script, and the files that it names and another module names as well.

    Args:
        texts: text of the Python files by path.
    """
    scripts = {}
    for name, text in texts.items():
        if _TRAINS.search(name) and not _is_test(name):
            others = [other for path, other in texts.items() if path != name]
            files = dict.fromkeys(_MODEL_FILE.findall(text))
            scripts[name] = [file for file in files if any(file in other for other in others)]
    return {name: files for name, files in scripts.items() if files}


def train_command(texts: Mapping[str, str], uncommitted: Collection[str]) -> str:
    """Return the command that makes a model file that git does not track; empty if there is none.

    Args:
        texts: text of the Python files by path.
        uncommitted: files of `model_files` that git does not track.
    """
    for name, files in model_files(texts).items():
        if set(files) & set(uncommitted) and not _required_options(texts[name], frozenset()):
            return f"python {shlex.quote(name)}"
    return ""


def predict_command(texts: Mapping[str, str], file: str) -> str:
    """Return the shell text that writes predictions to `$PREDICTIONS`; empty if no script is recognised.

    A script with a required option other than that of its output is left out, because its value is unknown.

    Args:
        texts: text of the Python files by path.
        file: the file with predictions that git does not track.
    """
    names = [name for name, text in texts.items() if _WRITES.search(text) and not _is_test(name)]
    for name in sorted(names, key=lambda name: (not _PREDICTS.search(name), name.count("/"), name)):
        if _TRAINS.search(name) and file not in texts[name]:
            continue
        command, text = f"python {shlex.quote(name)}", texts[name]
        output = next((flag for flag in _flags(text) if _OUT_FLAG.fullmatch(flag)), "")
        if _required_options(text, {output}):
            continue
        if output:
            return f'{command} {output} "$PREDICTIONS"'
        if set(_POSITIONAL.findall(text)) == {"1"}:
            return f'{command} "$PREDICTIONS"'
        if file in text:
            return f'{command}\ncp {shlex.quote(file)} "$PREDICTIONS"'
    return ""


def _is_test(name: str) -> bool:
    return re.search(r"(^|/)(tests?|conftest)(/|_|\.py$)|_test\.py$", name) is not None


def _flags(text: str) -> Iterator[str]:
    for declared in _OPTION.findall(text):
        yield from _FLAG.findall(declared)


def _required_options(text: str, without: Collection[str]) -> list[str]:
    """Return the options and arguments of a script that must be stated."""
    required = []
    for declared in _OPTION.findall(text):
        flags = _FLAG.findall(declared)
        is_option = bool(flags) or declared.lstrip().startswith(("'-", '"-'))
        must = re.search(r"required\s*=\s*True", declared) if is_option else "nargs" not in declared
        if must and declared.strip() and not set(flags) & set(without):
            required.append(declared)
    return required
