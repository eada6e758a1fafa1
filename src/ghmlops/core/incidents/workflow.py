"""Whether a workflow that `watch` starts carries a request out once, by its text. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

_REQUEST = re.compile(r"\$\{\{(?:(?!\}\}).)*\binputs\.request(?![\w-])", re.DOTALL)
_HINT = "see the workflows of actions/watch/README.md: "


class WorkflowProblem(NamedTuple):
    """Why a workflow could carry a request out twice, and how to repair it."""

    what: str
    hint: str


def workflow_problem(text: str) -> WorkflowProblem | None:
    """Return why a workflow could carry a request out twice; `None` if it does not.

    Its runs have to show their request, and two runs of one request have to wait for each other: a run that is
    cancelled by the next one may have done half of it.

    Args:
        text: content of the workflow file.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return WorkflowProblem("it is not valid YAML", "check it with actionlint")
    keys = _entries(root)
    concurrency = keys.get("concurrency")
    settings = _entries(concurrency)
    values = {"run-name": _text(keys.get("run-name")), "concurrency": _text(settings.get("group", concurrency))}
    for key, value in values.items():
        if not _REQUEST.search(value):
            what = f"the key `{key}` does not contain the input `request`, so that a request could be carried out twice"
            return WorkflowProblem(what, f"{_HINT}`{key}` with `${{{{ inputs.request }}}}`")
    cancel = settings.get("cancel-in-progress")
    if cancel is not None and _text(cancel) != "false":
        what = "`concurrency.cancel-in-progress` is not false, so that a request could be cancelled half done"
        return WorkflowProblem(what, f"{_HINT}`cancel-in-progress: false`")
    return None


def _entries(node: yaml.Node | None) -> dict[str, yaml.Node]:
    """Return the entries of a mapping by their keys; of anything else none."""
    return {_text(key): value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}


def _text(node: yaml.Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""
