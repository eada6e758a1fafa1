"""Which workflows carry a request out once."""

from __future__ import annotations

import pytest

from ghmlops.core.incidents.workflow import workflow_problem

NAME = "run-name: run ${{ inputs.request }}\n"
GROUP = "concurrency:\n  group: a-${{ inputs.request }}\n"


@pytest.mark.parametrize(
    "text",
    [
        NAME + GROUP,
        NAME + GROUP + "  cancel-in-progress: false  # two runs wait\n",
        "run-name: confirm (${{ github.event.inputs.request }})\nconcurrency: ${{ inputs.request }}\n",
        "run-name: ${{ format('{0} of', inputs.request) }}\nx: &a [1]\ny: *a\n" + GROUP,
        f"{NAME}{GROUP}jobs:\n  a:\n    concurrency: {{group: b, cancel-in-progress: true}}\n",
    ],
)
def test_a_request_is_carried_out_once(text: str) -> None:
    """Its runs show the request and wait for each other; the groups of single jobs are about something else."""
    assert workflow_problem(text) is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (GROUP, "run-name"),
        ("run-name: x # ${{ inputs.request }}\n" + GROUP, "run-name"),
        ("run-name: x inputs.request\n" + GROUP, "run-name"),
        ("run-name: x ${{ inputs.commit }} inputs.request\n" + GROUP, "run-name"),
        ("run-name: x ${{ inputs.request-kind }}\n" + GROUP, "run-name"),
        ("run-name: x ${{ inputs.requested }}\n" + GROUP, "run-name"),
        (NAME, "concurrency"),
        (NAME + "concurrency: watch\n", "concurrency"),
        (NAME + "concurrency: {group: watch} # ${{ inputs.request }}\n", "concurrency"),
        (f"{NAME}jobs:\n  a:\n    {GROUP}", "concurrency"),
        (NAME + GROUP + "  cancel-in-progress: true\n", "cancel-in-progress"),
        (NAME + GROUP + "  cancel-in-progress: ${{ github.ref == 'refs/heads/main' }}\n", "cancel-in-progress"),
        ("run-name: [" + GROUP, "YAML"),
        ("[" * 5000, "YAML"),
        ("", "run-name"),
    ],
)
def test_a_request_could_be_carried_out_twice_or_half(text: str, key: str) -> None:
    """What is missing is named; a comment, another input and the group of a job do not count."""
    problem = workflow_problem(text)
    assert problem is not None
    assert key in problem.what
    assert problem.hint
