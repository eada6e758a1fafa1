"""The tutorial of the documentation site: its commands run as written, and reach the verdicts that it states."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from declared import ROOT
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.measure.evidence import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

TUTORIAL = ROOT / ".github/site/docs/tutorial.md"
FENCE = re.compile(r"^```(?P<kind>python|console)(?P<options>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
EXPECTED = re.compile(r"  # exit code (\d)$", re.MULTILINE)
PLAN = "arrivals: {poisson: 60/s, duration: 6s, warmup: 1s}"
OBJECTIVE = "slo: {errors: 1%, p50: 250ms}"
"""In place of margins: a plan of seconds cannot decide them, and a busy machine stays far from half a second."""


class Step(NamedTuple):
    """A file to write, or a command with the exit code that the text states."""

    file: str
    text: str
    code: int


def steps() -> Iterator[Step]:
    """Yield the steps of the parts of the tutorial that need no GitHub."""
    for fence in FENCE.finditer(TUTORIAL.read_text(encoding="utf-8")):
        if fence["kind"] == "python":
            (title,) = re.findall(r'title="([^"]+)"', fence["options"])
            yield Step(title, fence["text"], 0)
        else:
            for text in re.split(r"^\$ ", fence["text"], flags=re.MULTILINE)[1:]:
                match = EXPECTED.search(text)
                yield Step("", EXPECTED.sub("", text), int(match[1]) if match else 0)


def evidence(place: Path, name: str) -> Evidence:
    """Return a file of evidence."""
    return decode((place / "evidence" / name).read_bytes(), Evidence, EVIDENCE_SCHEMA, name)


def test_the_tutorial_reaches_its_verdicts(tmp_path: Path) -> None:
    """From an empty folder to a harmless change that does not fail, and a harmful one whose slice and latency do."""
    place = tmp_path
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GHMLOPS_", "GIT_"))}
    environ |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}", "HOME": str(tmp_path)}
    fields = [f"GIT_{role}_{field}" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")]
    environ |= dict.fromkeys(fields, "t@example.com")
    outcomes: list[dict[str, str]] = []
    for step in steps():
        if step.file:
            (place / step.file).write_text(step.text, encoding="utf-8")
            continue
        if step.text.startswith("cd "):
            place /= step.text.split()[1]
            continue
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", step.text],
            cwd=place,
            env=environ,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == step.code, f"{step.text}\n{done.stdout}\n{done.stderr}"
        if step.text.startswith("ghmlops init"):
            policy = place / ".github/ghmlops.yml"
            text = re.sub(r"arrivals: \{.*?\}", PLAN, policy.read_text())
            text = re.sub(r"slo: \{.*?\}", OBJECTIVE, text)
            # Its one package is installed here, and other tests build in environments of their own.
            policy.write_text(re.sub(r"^ +(margins: \{|build: ).*\n", "", text, flags=re.MULTILINE))
        if step.text.startswith("ghmlops check"):
            findings = [f for file in ("regression.json", "latency.json") for f in evidence(place, file).findings]
            outcomes.append({finding.id: finding.outcome.value for finding in findings})
            outcomes[-1] |= {str(f.slice): "fail" for f in findings if f.slice and f.outcome.value == "fail"}
    harmless, harmful = outcomes
    assert harmless["regression-log-loss"] == "pass"
    assert "fail" not in harmless.values()
    assert harmful["objective-p50"] == harmful["regression-log-loss"] == harmful["{'city': 'Ulm'}"] == "fail"
    assert "Ulm" in (place / "comment.md").read_text()
