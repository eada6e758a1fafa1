"""Step outputs and the job summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.act.runner import write_outputs, write_summary
from ghmlops.core.errors import InputError
from ghmlops.core.steps.github_limits import SUMMARY_LIMIT

if TYPE_CHECKING:
    from pathlib import Path


def parse_outputs(text: str) -> dict[str, str]:
    """Parse the file as the runner does: `name<<delimiter`, lines of the value, `delimiter`."""
    outputs, lines = {}, iter(text.splitlines())
    for line in lines:
        name, _, delimiter = line.partition("<<")
        value = []
        while (next_line := next(lines)) != delimiter:
            value.append(next_line)
        outputs[name] = "\n".join(value)
    return outputs


def test_value_cannot_define_another_output(tmp_path: Path) -> None:
    """A value of several lines that imitates the format is read back as one value."""
    file = tmp_path / "output"
    hostile = "pass\nEOF\noutcome<<ghmlops_0\nfail\nghmlops_0"
    write_outputs(str(file), {"reason": hostile})
    write_outputs(str(file), {"outcome": "warn"})
    assert parse_outputs(file.read_text()) == {"reason": hostile, "outcome": "warn"}


@pytest.mark.parametrize("name", ["", "Outcome", "out come", "a\nb", "-x", "a=b"])
def test_name_must_be_kebab_case(tmp_path: Path, name: str) -> None:
    """Another name of an output is a bug, and nothing is written."""
    with pytest.raises(ValueError, match="output name"):
        write_outputs(str(tmp_path / "output"), {name: "x"})
    assert list(tmp_path.iterdir()) == []


def test_summaries_are_appended_up_to_the_limit(tmp_path: Path) -> None:
    """Summaries of several steps are separated by an empty line; one beyond the limit is a bug."""
    file = tmp_path / "summary"
    write_summary(str(file), "# One\n")
    write_summary(str(file), "# Two")
    assert file.read_text() == "# One\n\n# Two\n\n"
    with pytest.raises(ValueError, match="limit"):
        write_summary(str(file), "x" * (SUMMARY_LIMIT + 1))


def test_missing_folder_is_an_input_error(tmp_path: Path) -> None:
    """A path that cannot be written is an input error that names it."""
    with pytest.raises(InputError, match="none/output"):
        write_outputs(str(tmp_path / "none" / "output"), {"a": "b"})
