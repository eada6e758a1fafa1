"""Reads the JSON of vLLM's benchmark (`vllm bench serve --save-result`), also written by SGLang's fork of it.

Percentiles exist for the metrics of `--percentile-metrics` (by default not for the end of the answer, `e2el`) and the
values of `--metric-percentiles` (by default 99).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import Load
from ghmlops.measure.foreign.bounded_json import Count, fit, parse
from ghmlops.measure.foreign.llm.percentiles import llm_results, times_of

if TYPE_CHECKING:
    from ghmlops.core.latency.external_results import ExternalResults, Times
    from ghmlops.measure.foreign.supplement import Supplement

_NAME = re.compile(r"(mean|median|p\d{1,2}(?:\.\d{1,6})?)_(ttft|e2el)_ms")


class _Counts(msgspec.Struct):
    completed: Count
    num_prompts: Count | None = None
    failed: Count | None = None


def recognises(head: bytes) -> bool:
    """Return whether the file is JSON with the totals of vLLM's benchmark."""
    return head.lstrip()[:1] == b"{" and b'"completed"' in head and b'"total_input_tokens"' in head


def read(data: bytes, supplement: Supplement) -> ExternalResults:
    """Read a result; prompts that were neither completed nor failed were not sent.

    Raises:
        DataError: The file is not a result of vLLM's benchmark, contains no request, or its counts are inconsistent.
    """
    supplement.require_unset("vllm")
    content = parse(data, dict[str, Any], "vllm")
    counts = fit(content, _Counts, "vllm")
    planned, completed = counts.num_prompts, counts.completed
    if planned is not None and completed + (counts.failed or 0) > planned:
        raise DataError(
            f"vLLM counts {completed:,} of {planned:,} prompts as completed", hint="the file is damaged or was edited"
        )
    failed = counts.failed if counts.failed is not None else (planned or completed) - completed
    load = None
    if planned is not None:
        unsent = planned - completed - failed
        load = Load(unit="requests", planned=planned, unsent=unsent, cause="they neither completed nor failed")
    return llm_results(
        "vllm",
        counts=(completed, failed),
        response=_times(content, "e2el", completed),
        first_token=_times(content, "ttft", completed),
        load=load,
    )


def _times(content: dict[str, Any], metric: str, n: int) -> Times:
    values = {}
    for key, raw in content.items():
        if (match := _NAME.fullmatch(key)) and match[2] == metric:
            values["p50" if match[1] == "median" else match[1]] = fit(raw, float, "vllm")
    return times_of(values, n, "vllm")
