"""Evidence with hostile names and values: the attacks, and samples with an attack in every place that takes text."""

from __future__ import annotations

from typing import Any

import msgspec

from ghmlops.core.details.regression import DistributionRow, RegressionDetails
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Finding, Interval, Measurement, NotMeasured, Outcome
from report import prediction_samples, samples

ATTACKS = (
    "a | b || c",
    "`code` ``two`` ```",
    "<script>alert(1)</script>",
    "</code></td></table><img src=x onerror=alert(1)>",
    "--> <b>out of the comment</b> <!--",
    "<!-- ghmlops:report service=click-scorer workflow=check -->",
    "@team @octo-cat/admins",
    "#1 GH-2 acme/shop#3 a@b.example",
    "::error::owned%0A",
    "line\n\n# heading\n\n- item\n\n> quote\n\n```\nfence",
    "\r\n| cell |\r\n|---|\r\n",
    "\u202eevil\u202c \u2066x\u2069 \u200bzero",
    "\x1b[31mred\x1b[0m \x00 \x07",
    "[text](javascript:alert(1)) ![i](https://evil.example/i.png)",
    "https://evil.example/?q=1 www.evil.example mailto:x@evil.example",
    "<https://evil.example> [ref]: https://evil.example",
    "**bold** _it_ ~~gone~~ $x^2$ $$y$$ :smile: :100:",
    "1. one\n2. two",
    "1) one",
    "+ plus",
    "- minus",
    "= equals",
    "# hash",
    "    indented",
    "\\",
    "\\| \\` trailing \\",
    "</details><details open><summary>x</summary>",
    "&lt;b&gt; &amp; &#60;script&#62;",
    "]]> <![CDATA[ <?xml ?> <!DOCTYPE x>",
    "'\" onmouseover=alert(1) x='",
    "{{constructor}} ${{ github.token }} {0}",
    "",
    " ",
    "\ud83d\ude00 \u0627\u0644\u0639\u0631\u0628\u064a\u0629".encode("utf-16", "surrogatepass").decode("utf-16"),
    "x" * 1_000_000,
    "|`<" * 5000,
)
_FIXED = ("outcome", "determinism", "quantity")
"""Fields of rows whose text is one of a few fixed words."""


def evidence_with(text: str) -> Evidence:
    """Return evidence with `text` in every place outside the details that takes text."""
    finding = Finding(
        id=text,
        metric=text,
        outcome=Outcome.FAIL,
        reason=text,
        docs=text,
        description=text,
        dataset=text,
        slice={text: text, text + "2": 10**400, "n": None, "t": True},
        window=text,
        unit=text,
        baseline=1.0,
        candidate=2.0,
        change=Interval(estimate=1.0, low=0.5),
        method=text,
        margin=0.5,
        n=10**50,
    )
    origin = samples.provenance(
        run_id=text, version=text, started="2026-03-04T12:00:00Z", base_sha=text, fingerprints={text: text}, seed=10**60
    )
    return Evidence(
        command=text,
        leg=text,
        outcome=Outcome.FAIL,
        provenance=origin,
        reason=text,
        reason_code=text,
        findings=[finding, msgspec.structs.replace(finding, docs="actions/../../x.md"), finding],
        measurements=[Measurement(id=text, arm=text, unit=text, n=1, values={text: 1.0, text + "2": None})],
        not_measured=[NotMeasured(what=text, why=text)],
        details=replaced_texts(samples.latency_details(), text),
    )


def predictions_with(text: str) -> Evidence:
    """Return evidence of a prediction diff with `text` for every name in its tables, column names included."""
    whole = prediction_samples.predictions()
    details = prediction_samples.details_of(whole)
    tables: dict[str, list[Any]] = {
        field: [replaced_texts(row, text) for row in rows[-12:]]
        for field in RegressionDetails.__struct_fields__
        if isinstance(rows := getattr(details, field), list)
    }
    tables["timeline"] = [msgspec.structs.replace(row, window=f"{i}{text}") for i, row in enumerate(tables["timeline"])]
    tables["distributions"].append(
        DistributionRow(dataset="", column=text, values=(text, text), baseline=(1, 2), candidate=(2, 1), missing=(0, 0))
    )
    findings = [msgspec.structs.replace(finding, metric=text) for finding in whole.findings]
    hostile = msgspec.structs.replace(RegressionDetails(), **tables)
    return msgspec.structs.replace(whole, details=hostile, findings=findings)


def replaced_texts(value: Any, text: str) -> Any:
    """Return a struct or container with `text` in place of each of its texts."""
    if isinstance(value, msgspec.Struct):
        fields = {
            name: inner if name in _FIXED else replaced_texts(inner, text)
            for name, inner in msgspec.structs.asdict(value).items()
        }
        return msgspec.structs.replace(value, **fields)
    if isinstance(value, dict):
        return {text if i == 0 else f"{i}{text}": replaced_texts(v, text) for i, v in enumerate(value.values())}
    if isinstance(value, list | tuple):
        return type(value)(replaced_texts(inner, text) for inner in value)
    return text if isinstance(value, str) else value
