"""The layout of the packages: small folders, a small root, a test file for each module."""

from __future__ import annotations

import ast
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAX_MODULES = 15
"""More files than this in one folder are no longer read at one glance."""
MAX_FUNCTION_LINES = 60
"""Longer functions do not fit on a screen; the docstring counts."""
MAX_ROOT_MODULES = 6
"""The root of `core` holds only what every package uses."""
TABLES = ("metrics",)
"""Folders with one file per entry of a table."""
TESTED_ELSEWHERE = {
    "commands/synthetic/*.py": "commands/synthetic/test_command.py: every step of a run on real services",
    "commands/harvest/*.py": "commands/harvest/test_command.py: every step of a run on real logs",
    "act/git/file_proposal.py": "commands/harvest/test_golden.py: a file is offered on a branch, once",
    "measure/harvest/golden_table.py": "commands/harvest/test_golden.py: cases, candidates and training data",
    "commands/scale/*.py": "commands/scale/test_command.py: every step of a run with a real Prometheus",
    "commands/watch/*.py": "commands/watch/test_command.py: every step of a run on real files",
    "core/answers/answer.py": "measure/asking/test_sender.py: answers of real services",
    "core/synthetic/ask.py": "core/synthetic/test_judge.py: questions and their repetition",
    "core/synthetic/findings.py": "commands/synthetic/test_command.py: findings of each fault",
    "core/synthetic/message.py": "core/synthetic/relations/test_table.py: requests of each relation",
    "core/synthetic/question.py": "core/synthetic/relations/test_table.py: questions of each relation",
    "core/synthetic/relations/*.py": "core/synthetic/relations/test_table.py: every relation",
    "core/synthetic/rows/alphabet.py": "core/synthetic/rows/test_generate.py: texts of generated rows",
    "core/watch/residuals.py": "core/watch/test_alerts.py: what is normal",
    "report/charts/trend_chart.py": "report/comment/test_trend.py: the trend below the verdict",
    "measure/predictions/artifacts/object_listing.py": "measure/predictions/artifacts/test_object_store.py: S3 and GCS",
    "api/*.py": "api/test_calls.py: every form of tables and policies, the result, and every error",
    "__main__.py": "contract/test_toy_pillar.py: runs the package with `python -m`",
    "act/git/history.py": "act/git/test_revert.py: histories are selected to be reverted",
    "act/git/proofs.py": "act/git/test_revert.py: each history is proven by the revert that follows",
    "act/git/selection.py": "act/git/test_revert.py: each history is selected by the revert that follows",
    "act/git/api_commits.py": "commands/revert/test_verified.py: commits of each kind are created as they were planned",
    "act/github/branches.py": "act/github/test_commits.py: a branch moves forward once, to the commits of a revert",
    "commands/revert/forge.py": "commands/revert/test_verified.py: rules, workflows, commits and pull requests",
    "core/revert/push_result.py": "act/git/test_publish.py: the result of each response to a push",
    "act/git/work.py": "act/git/test_revert.py: the work that a revert keeps",
    "act/github/deployments.py": "act/github/test_perform.py: the steps of the gate create and close deployments",
    "clients/git/credentials.py": "act/git/test_revert_push.py: a push authenticates over HTTP",
    "clients/github/errors.py": "clients/github/test_client.py: the client raises them",
    "clients/github/waits.py": "clients/github/test_client.py: rate limits, lost responses and transient failures",
    "clients/github/calls.py": "clients/github/test_client.py: each call of the client",
    "commands/baseline/resolve.py": "commands/baseline/test_command.py: the command resolves the baseline",
    "commands/promote/observer.py": "commands/promote/test_command.py: each look at a real router under load",
    "measure/telemetry/counters.py": "commands/promote/test_counters.py: counters of a real Prometheus",
    "commands/report/announcement.py": "commands/report/test_command.py: a running measurement is announced",
    "commands/report/change.py": "commands/report/test_command.py: the change under report is read from the API",
    "commands/*/inputs.py": "contract/test_actions.py: inputs and outputs of every command",
    "commands/*/job.py": "contract/test_bad_input.py: a job is prepared by its command, whose tests check it",
    "commands/*/measure.py": "commands/latency/test_command.py: the commands measure real services and artifacts",
    "commands/*/evidence.py": "commands/latency/test_command.py: the command writes the evidence",
    "commands/merge_shards/command.py": "commands/test_merge_shards.py: the package is tested as a whole",
    "commands/latency/contact.py": "commands/latency/test_command.py: broken candidates and baselines",
    "measure/contact/http1.py": "measure/contact/test_contact.py: answers over real connections",
    "commands/latency/summary.py": "commands/latency/test_command.py: the command prints it",
    "commands/check/*.py": "commands/check/test_command.py: `check` starts the arms and runs the pillars",
    "commands/remeasure/*.py": "commands/remeasure/test_command.py: the command repeats evidence, honest and forged",
    "commands/store/*.py": "commands/store/test_command.py: the command, and the gate that reads what it stored",
    "commands/report/judge_changed.py": "commands/report/test_run_report.py: files that a pull request changes",
    "act/git/branch_update.py": "act/git/test_record_branch.py: appended in races, killed and folded",
    "act/folded_records.py": "act/git/test_record_branch.py: the fold, and the reader that unfolds it",
    "clients/git/blobs.py": "act/git/test_record_branch.py: blobs are written and read exactly",
    "commands/history/*.py": "commands/history/test_command.py: every task on a real remote",
    "commands/revert/record.py": "commands/history/test_command.py: the record of a revert is appended",
    "core/history/place.py": "core/history/test_reading.py: paths follow from the content",
    "core/history/record.py": "core/history/test_reading.py: types without behaviour",
    "measure/evidence_branch.py": "commands/store/test_command.py: a branch with honest and forged evidence",
    "measure/github/commits.py": "commands/report/test_run_report.py: the files that GitHub lists",
    "measure/github/pushes.py": "commands/revert/test_command.py: the pushes that GitHub lists",
    "core/evidence/remeasured.py": "commands/remeasure/test_command.py: the gate reads it, and refuses other text",
    "commands/baseline/*.py": "commands/baseline/test_command.py: the command finds the commit of each event",
    "core/steps/recorded.py": "core/steps/test_gate.py: a type without behaviour, which the steps use",
    "commands/preview/service.py": "commands/preview/test_command.py: services that are started, found and ended",
    "commands/regression/*.py": "commands/regression/test_command.py: the command builds and judges",
    "commands/policy.py": "commands/init/test_command.py: `policy check` of written policies",
    "core/adoption/facts.py": "core/adoption/test_roles.py: value types",
    "core/adoption/explanations.py": "commands/test_explain.py: every finding has its sections",
    "core/adoption/policy_text.py": "commands/init/test_command.py: written policies are read by the strict reader",
    "core/adoption/workflow_text.py": "contract/test_workflows.py: `declared` lists the workflows that init writes",
    "commands/init/*.py": "commands/init/test_command.py: the command on repositories of real data",
    "commands/report/comment.py": "commands/report/test_command.py: the comment is written by the command",
    "commands/shared/*.py": "contract/test_bad_input.py: shared by all commands, whose tests check it",
    "core/*/constants.py": "core/latency/test_duet.py: constants without behaviour",
    "core/capacity/details.py": "core/capacity/test_evidence.py: tables of the evidence",
    "core/capacity/search_state.py": "core/capacity/test_search.py: the state of the search",
    "core/context.py": "cli/test_results.py: read from the environment and the event of a run",
    "core/details/*.py": "contract/test_generated.py: types without behaviour, whose schemas are checked",
    "commands/shadow/*.py": "commands/shadow/test_command.py: the command against real services",
    "core/policy/before_traffic/shadow.py": "core/policyfile/before_traffic/test_shadow.py: types without behaviour",
    "core/shadow/outcome.py": "core/shadow/test_findings.py: what a run has shown decides its findings",
    "measure/shadow/answers_file.py": "commands/shadow/test_command.py: the answers of both arms as Parquet",
    "measure/shadow/sending.py": "commands/shadow/test_command.py: real services receive what is sent",
    "core/errors.py": "contract/test_errors.py: every error of the tree",
    "core/evidence/loaded.py": "measure/test_evidence.py: a value type",
    "core/evidence/run.py": "core/verdict/test_merge.py: a value type",
    "core/evidence/schema.py": "contract/test_generated.py: the schemas are those that are shipped",
    "core/verdict/*.py": "core/verdict/test_forged_folders.py: every check of the verdict on forged evidence",
    "core/latency/kind.py": "core/latency/test_tally.py: kinds of failures are counted",
    "core/latency/answers.py": "core/latency/test_tally.py: the columns that a tally counts",
    "core/load/call.py": "measure/requests/test_calls.py: a value type",
    "core/metrics/*.py": "core/metrics/test_metrics.py: one conformance suite over the table of metrics",
    "core/paired/*.py": "core/metrics/test_metrics.py: values are compared by the metrics",
    "core/policy/*.py": "core/policyfile/test_document.py: types without behaviour, read from a policy",
    "core/policyfile/*.py": "core/policyfile/test_document.py: every key and every error of the policy",
    "core/predictions/*.py": "measure/predictions/test_agreement.py: judged on real artifacts",
    "core/predictions/behaviour/distribution.py": "core/predictions/behaviour/test_drift.py: a value type",
    "core/predictions/contract/facts.py": "core/predictions/contract/test_checks.py: a value type",
    "core/predictions/subgroups/subgroup_tests.py": "measure/predictions/sql/test_cubes.py: families of real cells",
    "core/steps/github_limits.py": "act/github/test_comments.py: constants without behaviour",
    "measure/foreign/llm/percentiles.py": "measure/foreign/llm/test_vllm.py: the times of each reader",
    "measure/foreign/rows/csv_rows.py": "measure/foreign/rows/test_jmeter.py: every reader of CSV uses it",
    "measure/foreign/rows/jmeter_*.py": "measure/foreign/rows/test_jmeter.py: both formats of the same samples",
    "measure/foreign/rows/k6_samples.py": "measure/foreign/rows/test_k6_json.py: both formats of the same samples",
    "measure/foreign/rows/requests.py": "measure/foreign/rows/test_k6_json.py: the requests of each reader",
    "measure/requests/trace_parquet.py": "measure/requests/test_trace_formats.py: Parquet is one of the formats",
    "measure/requests/trace_checks.py": "measure/requests/test_trace.py: recordings that are refused",
    "measure/requests/trace_source.py": "measure/requests/test_timestamps.py: what each reader does with a value",
    "measure/requests/lines.py": "measure/requests/test_log_lines.py: gzip, limits and lines of each format",
    "measure/foreign/bounded_json.py": "measure/foreign/test_foreign.py: every reader of JSON uses it",
    "measure/foreign/limitations.py": "measure/foreign/test_foreign.py: the entries of each reader",
    "measure/github/evidence_artifacts.py": "measure/github/test_evidence.py: names, attempts and times of artifacts",
    "measure/github/collaborators.py": "commands/gate/test_emergency.py: the rights of a person",
    "measure/github/reviews.py": "commands/report/test_command.py: labels of a pull request",
    "measure/github/runs.py": "measure/github/test_evidence.py: the run that measured",
    "measure/foreign/*/*.py": "measure/foreign/test_foreign.py: every format of the table on its sample",
    "measure/github/merged_pull_request.py": "commands/revert/test_command.py: a pull request is named to `revert`",
    "measure/load/*.py": "measure/load/test_engine.py: arms and workers under a real load",
    "measure/load/protocols/*.py": "measure/load/test_engine.py: the protocols under a real load",
    "measure/predictions/engine/*.py": "measure/predictions/engine/test_spark_session.py: both engines agree",
    "measure/predictions/sql/attribute_values.py": "measure/predictions/sql/test_cubes.py: values of the cells",
    "report/dashboard/charts.py": "report/dashboard/test_site.py: the charts of the site",
    "report/dashboard/data.py": "report/dashboard/test_site.py: what the site shows",
    "report/dashboard/tables.py": "report/dashboard/test_site.py: the tables of the site",
    "report/formats/css.py": "report/formats/test_html.py: the style of the page",
    "report/formats/html_table.py": "report/formats/test_html.py: tables of the page",
    "report/formats/script.py": "report/test_browser.py: the script of the page in a real browser",
    "report/formats/terminal_reproduction.py": "commands/regression/test_rebuild.py: what a rebuild prints",
    "report/text/blocks.py": "report/test_golden.py: the blocks that every report consists of",
    "report/text/drawings.py": "report/content/predictions/test_drawings.py: what the drawings consist of",
}
"""Modules without a test file of their name, as patterns: the test that covers them, and why it is another one."""


def modules(folder: Path) -> list[str]:
    """Return the names of the modules directly in a folder."""
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def test_folders_stay_small(root: Path) -> None:
    """No folder holds more than 15 modules, the table of metrics aside; the root of `core` holds at most six."""
    package = root / "src" / "ghmlops"
    folders = [path for path in (package, *package.rglob("*")) if path.is_dir() and path.name not in TABLES]
    sizes = {path.relative_to(package).as_posix(): len(modules(path)) for path in folders}
    assert {name: size for name, size in sizes.items() if size > MAX_MODULES} == {}
    assert sizes["core"] <= MAX_ROOT_MODULES


def test_each_module_has_its_test(root: Path) -> None:
    """Each module has a test file of its name, or an entry that names another; no entry is without a module."""
    package, tests = root / "src" / "ghmlops", root / "tests"
    untested = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if path.stem != "__init__" and not (tests / path.relative_to(package)).with_name(f"test_{path.name}").exists()
    }
    covered = {pattern: {name for name in untested if fnmatchcase(name, pattern)} for pattern in TESTED_ELSEWHERE}
    assert untested - set().union(*covered.values()) == set()
    assert [pattern for pattern, names in covered.items() if not names] == []


def test_exceptions_name_a_test(root: Path) -> None:
    """Each exception names an existing test file and gives a reason."""
    for pattern, text in TESTED_ELSEWHERE.items():
        test, _, reason = text.partition(": ")
        assert (root / "tests" / test).exists(), f"{pattern}: {test} does not exist"
        assert reason, f"{pattern}: no reason"


def test_functions_stay_short(root: Path) -> None:
    """No function of the package has more than sixty lines."""
    long = [
        f"{path.relative_to(root).as_posix()}:{node.name}: {lines} lines"
        for path in sorted((root / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]
    assert long == []
