"""Whether two arms run different code, from the packages of their work trees and from what they import."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.commands.check.difference import _compare, _is_remote
from ghmlops.measure.builds.import_path import LoadedCode

if TYPE_CHECKING:
    from pathlib import Path


def code(folder: Path, text: str, loaded: Path | None = None, *, imported: bool = True) -> LoadedCode:
    folder.mkdir(exist_ok=True)
    source = folder / "svc.py"
    source.write_text(text)
    return LoadedCode(sources={"svc": source}, loaded={"svc": loaded or source} if imported else {}, environ={})


def outcomes(baseline: LoadedCode, candidate: LoadedCode) -> list[tuple[str, str]]:
    return [(finding.id, finding.outcome.value) for finding in _compare(baseline, candidate)]


def test_arms_are_compared_by_what_they_import(tmp_path: Path) -> None:
    """Different files pass, one shared file or equal copies are inconclusive, an unknown import is a warning."""
    one, two = code(tmp_path / "a", "1\n"), code(tmp_path / "b", "2\n")
    shared = two.sources["svc"]
    assert outcomes(one, two) == [("arms-differ", "pass")]
    assert outcomes(code(tmp_path / "c", "1\n", shared), two) == [("arms-alike", "inconclusive")]
    copy = code(tmp_path / "e", "2\n").sources["svc"]
    assert outcomes(code(tmp_path / "d", "1\n", copy), two) == [("arms-alike", "inconclusive")]
    assert outcomes(code(tmp_path / "f", "1\n", imported=False), two) == [("arms-unproven", "warn")]
    assert outcomes(two, code(tmp_path / "g", "2\n", shared)) == []


@pytest.mark.parametrize(
    ("command", "remote"),
    [("docker run x", True), ("/usr/bin/podman run x", True), ("python a.py", False), ("'", False), ("", False)],
)
def test_an_engine_runs_nothing_of_the_work_tree(command: str, remote: bool) -> None:
    """Commands of container engines are known by their name."""
    assert _is_remote(command) is remote
