"""Which section of the documentation explains a finding. `ghmlops explain` prints it; a test compares the pages."""

from __future__ import annotations

from ghmlops.core.metrics import METRIC_IDS

_LATENCY, _REGRESSION = "actions/latency/README.md", "actions/regression/README.md"
_GATE = "actions/gate/README.md#what-counts-as-evidence"
_ROLLED_BACK = "actions/promote/README.md#the-verdict"
_AFTER_ROLLBACK = "actions/promote/README.md#a-revert-after-a-promotion"
_JUDGE = "actions/check/README.md#a-change-cannot-choose-its-judge"
FINDINGS: dict[str, tuple[str, ...]] = {
    "latency": (f"{_LATENCY}#the-verdict",),
    "latency-*": (f"{_LATENCY}#the-verdict",),
    "error-ratio": (f"{_LATENCY}#the-verdict",),
    "first-requests": (f"{_LATENCY}#the-first-requests",),
    "saturation": (f"{_LATENCY}#saturation",),
    "objective-*": (f"{_LATENCY}#objectives", "actions/import/README.md#objectives"),
    "guard-*": (f"{_LATENCY}#guards", "actions/import/README.md#guards"),
    "shard": ("actions/merge-shards/README.md#shards",),
    "shards": ("actions/merge-shards/README.md#shards",),
    "capacity": ("actions/capacity/README.md#how-it-decides",),
    "synthetic-schemathesis": ("actions/synthetic/README.md#schemathesis",),
    "synthetic-*": ("actions/synthetic/README.md#the-verdict",),
    "scale-*": (
        "actions/scale/README.md#the-plan",
        "actions/scale/README.md#data-that-does-not-count",
        "actions/scale/README.md#a-candidate-that-needs-more",
    ),
    "harvest-*": (
        "actions/harvest/README.md#what-does-not-count",
        "actions/harvest/README.md#the-sample",
        "actions/harvest/README.md#the-demand",
        "actions/harvest/README.md#outcomes",  # harvest
        "actions/harvest/README.md#retraining",
        "actions/harvest/README.md#the-golden-set",
    ),
    "watch-*": (
        "actions/watch/README.md#alarms",
        "actions/watch/README.md#error-budgets",
        "actions/watch/README.md#data-that-does-not-count",
    ),
    "watch-dead": ("actions/watch/README.md#a-schedule-that-is-dead",),
    "shadow-coverage": ("actions/shadow/README.md#coverage",),
    "shadow-latency": ("actions/shadow/README.md#service-times",),
    "shadow-single-answers": ("actions/shadow/README.md#single-answers",),
    "shadow-*": ("actions/shadow/README.md#the-verdict",),
    "preview-ready": ("actions/preview/README.md#start-a-command", "actions/preview/README.md#teardown"),
    "contract-*": (f"{_REGRESSION}#the-contract",),
    "regression-*": (f"{_REGRESSION}#the-verdict", f"{_REGRESSION}#metrics"),
    "decisions-reordered": (f"{_REGRESSION}#behaviour",),
    "scores-reordered": (f"{_REGRESSION}#behaviour",),
    "churn-*": (f"{_REGRESSION}#behaviour",),
    "noise-*": (f"{_REGRESSION}#behaviour",),
    "implausible-*": (f"{_REGRESSION}#behaviour",),
    "predictions-changed": (f"{_REGRESSION}#behaviour",),
    "drift-*": (f"{_REGRESSION}#drift",),
    "slice-*": (f"{_REGRESSION}#slices-and-windows",),
    "slices-summary": (f"{_REGRESSION}#slices-and-windows",),
    "window-*": (f"{_REGRESSION}#slices-and-windows",),
    "windows-summary": (f"{_REGRESSION}#slices-and-windows",),
    "class-*": (f"{_REGRESSION}#slices-and-windows",),
    "classes-summary": (f"{_REGRESSION}#slices-and-windows",),
    "search-*": (f"{_REGRESSION}#slice-search",),
    "replay-*": (f"{_REGRESSION}#reproducibility",),
    "rebuild-*": (f"{_REGRESSION}#reproducibility",),
    "evidence-*": (_GATE,),
    "not-affected": ("actions/check/README.md#several-services", _GATE),
    "no-baseline": ("actions/check/README.md#predictions", _GATE),
    "commit-quarantined": ("actions/gate/README.md#quarantine", "actions/history/README.md#quarantine"),
    "hypothesis-missing": ("actions/gate/README.md#a-stated-expectation",),
    "deployment-window": ("actions/gate/README.md#deployment-windows",),
    "environment-order": ("actions/gate/README.md#environments-in-order",),
    "actions-cap": ("actions/history/README.md#quarantine",),
    "service-renamed": ("actions/history/README.md#what-does-not-count",),
    "record-*": ("actions/history/README.md#what-does-not-count",),
    "errors-above-objective": (_ROLLED_BACK, _AFTER_ROLLBACK),
    "slower-than-twin": (_ROLLED_BACK, _AFTER_ROLLBACK),
    "metric-beyond-limit": (_ROLLED_BACK, _AFTER_ROLLBACK),
    "hook-*": (_ROLLED_BACK, _AFTER_ROLLBACK),
    "hold-expired": (_ROLLED_BACK, _AFTER_ROLLBACK),
    "low-traffic": (_ROLLED_BACK, _AFTER_ROLLBACK),
    "findings-omitted": (_GATE,),
    "inputs-changed": (_JUDGE, "actions/check/README.md#two-arms"),
    "*-not-judged": ("README.md#exit-codes",),
}
"""Id of a finding, or a family with an asterisk, to its sections, the most general first."""
PAGES = tuple(dict.fromkeys(page for pages in FINDINGS.values() for page in pages))


def sections_of(finding: str) -> tuple[str, ...]:
    """Return the sections that explain a finding; empty if there is no such finding."""
    if finding in FINDINGS:
        return FINDINGS[finding]
    for family, pages in FINDINGS.items():
        head, asterisk, tail = family.partition("*")
        if asterisk and finding.startswith(head) and finding.endswith(tail) and len(finding) > len(family) - 1:
            return pages
    return ()


def examples() -> tuple[str, ...]:
    """Return ids for the suggestion of the nearest one: those of the table, and one per metric."""
    metrics = dict.fromkeys(metric for ids in METRIC_IDS.values() for metric in ids)
    quantiles = [f"{family}-{name}" for family in ("latency", "objective") for name in ("p50", "p95", "p99")]
    plain = [name for name in FINDINGS if "*" not in name]
    return (*plain, *(f"regression-{metric}" for metric in metrics), *quantiles)


def section(document: str, anchor: str) -> str:
    """Return the text of a section of a Markdown document, with its heading and its subsections; empty if absent.

    Args:
        document: the Markdown.
        anchor: anchor that GitHub gives to the heading.
    """
    lines: list[str] = []
    level, in_code = 0, False
    for line in document.splitlines():
        in_code ^= line.startswith("```")
        marks = 0 if in_code else len(line) - len(line.lstrip("#"))
        is_heading = marks > 0 and line[marks : marks + 1] == " "
        if level and is_heading and marks <= level:
            break
        if not level and is_heading and heading_anchor(line[marks:]) == anchor:
            level = marks
        if level:
            lines.append(line)
    return "\n".join(lines).strip()


def heading_anchor(title: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    plain = "".join(c for c in title.strip().lower() if c.isalnum() or c in "-_ ")
    return plain.replace(" ", "-")
