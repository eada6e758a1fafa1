"""Runs Schemathesis, which belongs to the extra of the same name, in a process and a folder of its own.

Nothing of the repository is loaded: neither a configuration file nor hooks. The description comes as a copy, and the
process sees no variable of the step but its search path, so that it finds no proxy and no credentials.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from ghmlops.core.errors import DataError
from ghmlops.core.synthetic.schemathesis.report import Report, read_report
from ghmlops.measure.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PACKAGE = "schemathesis"
MAX_REPORT_BYTES = 256 << 20
PHASES = "examples,coverage,fuzzing"
"""Phases whose failures one request shows; those of the stateful phase need several."""
_MAX_MESSAGE = 300
_DESCRIPTION, _CONFIGURATION, _REPORT = "openapi.json", "configuration.toml", "report.ndjson"


class Run(NamedTuple):
    """What Schemathesis is asked to do.

    Attributes:
        description: content of the OpenAPI description.
        examples: generated requests per operation and phase, at most.
        exclude: checks that do not run.
        headers: headers of every request.
        timeout: seconds until an answer must be complete.
        budget: seconds of the run.
        seed: seed of the requests.
        options: further options of the command: certificates.
    """

    description: bytes
    examples: int
    exclude: Sequence[str]
    headers: Mapping[str, str]
    timeout: float
    budget: float
    seed: int
    options: Sequence[str] = ()


def require_package() -> None:
    """Check that Schemathesis is installed.

    Raises:
        ModuleNotFoundError: It is not; the error names the package, and with it the extra.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise ModuleNotFoundError(f"No module named {PACKAGE!r}", name=PACKAGE)


def read_description(data: bytes, name: str) -> bytes:
    """Return a description that refers to nothing outside of itself, which would be read from a file or a host.

    Raises:
        DataError: It does, or is no JSON.
    """
    try:
        document = json.loads(data)
        text = json.dumps(document)
    except (ValueError, RecursionError) as error:
        reason = str(error)[:160]
        raise DataError(f"{name} is no JSON: {reason}", hint="name an OpenAPI description as JSON") from None
    if not isinstance(document, dict) or not any(key in document for key in ("openapi", "swagger")):
        raise DataError(f"{name} is no OpenAPI description", hint='its key `openapi` names a version, such as "3.1.0"')
    if reference := _foreign_reference(document):
        raise DataError(
            f"{name} refers to another document: {reference[:120]}", hint="write `#/...`, or bundle the documents"
        )
    return text.encode()


def _foreign_reference(document: dict[str, Any]) -> str:
    """Return the first reference that leads out of a document; empty without one."""
    rest: list[object] = [document]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str) and not reference.startswith("#"):
                return reference
            rest += value.values()
        elif isinstance(value, list):
            rest += value
    return ""


def run_schemathesis(url: str, run: Run) -> Report:
    """Test a service, and return the report.

    Raises:
        DataError: Schemathesis cannot use the description, or wrote no report that could be read.
    """
    with temporary_folder("ghmlops-schemathesis-") as folder:
        (folder / _DESCRIPTION).write_bytes(run.description)
        (folder / _CONFIGURATION).write_text(_configuration(run.headers), encoding="utf-8")
        report = folder / _REPORT
        stopped, output = _run_process(_command(url, run), folder, run.budget)
        if not report.is_file() or not report.stat().st_size:
            reason = " ".join(output.split())[-_MAX_MESSAGE:]
            raise DataError(f"Schemathesis wrote no report: {reason}", hint="correct `synthetic.schemathesis.schema`")
        if report.stat().st_size > MAX_REPORT_BYTES:
            raise DataError(
                f"the report of Schemathesis is larger than {MAX_REPORT_BYTES:,} bytes",
                hint="decrease `synthetic.schemathesis.examples`",
            )
        return read_report(_complete_lines(report, stopped=stopped))


def _complete_lines(path: Path, *, stopped: bool) -> Iterator[bytes]:
    """Yield the lines of a report; a process that was stopped may have left a part of one at the end."""
    with path.open("rb") as stream:
        for line in stream:
            if line.endswith(b"\n") or not stopped:
                yield line


def _configuration(headers: Mapping[str, str]) -> str:
    """Return the configuration file, which keeps the headers out of the list of processes."""
    rows = [f"{json.dumps(name)} = {json.dumps(value)}" for name, value in headers.items()]
    return "\n".join(["[headers]", *rows, ""])


def _command(url: str, run: Run) -> list[str]:
    # No folder of the caller is searched for modules; of the environment, only what is passed on counts.
    command = [sys.executable, "-P", "-s", "-m", f"{PACKAGE}.cli", "--config-file", _CONFIGURATION, "run"]
    command += [_DESCRIPTION, "--url", url, "--phases", PHASES, "--max-examples", str(run.examples)]
    command += ["--seed", str(run.seed), "--generation-database", "none", "--request-timeout", f"{run.timeout:g}"]
    command += ["--max-redirects", "0", "--workers", "1", "--continue-on-failure", "--no-color", "--warnings", "off"]
    command += ["--report", "ndjson", "--report-ndjson-path", _REPORT]
    command += ["--exclude-checks", ",".join(run.exclude)] if run.exclude else []
    return [*command, *run.options]


def _run_process(command: Sequence[str], folder: Path, seconds: float) -> tuple[bool, str]:
    """Run the process; return whether it was stopped at the end of its time, and what it wrote."""
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8", "NO_PROXY": "*"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environ | {"PYTHONHASHSEED": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return True, (error.stdout or b"").decode("utf-8", "replace")
    return False, done.stdout.decode("utf-8", "replace")
