"""The HTML page: self-contained, accessible, complete."""

from __future__ import annotations

import base64
import hashlib
import json
import re

from ghmlops.core.model import Outcome
from ghmlops.core.verdict.bounds import MAX_FINDINGS
from ghmlops.report.formats import html
from ghmlops.report.formats.css import CSS
from ghmlops.report.formats.script import SCRIPT
from report import samples
from report.reading import read_html


def failure_page() -> str:
    """Return the page of a failed report."""
    return html.page(samples.report(samples.latency(slow=True), samples.regression(broken=True)))


def test_the_page_is_self_contained() -> None:
    """The page has no resources; its content security policy allows only its own style sheet and script."""
    text = failure_page()
    document = read_html(text)
    policy = next(v for _, name, v in document.attributes if name == "content" and v.startswith("default-src"))
    style, script = (base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in (CSS, SCRIPT))
    sources = f"style-src 'sha256-{style}'; script-src 'sha256-{script}'"
    assert policy == f"default-src 'none'; base-uri 'none'; form-action 'none'; {sources}"
    assert f"<style>{CSS}</style>" in text
    assert f"<script>{SCRIPT}</script>" in text
    assert not {"img", "link", "iframe", "object"} & set(document.tags)
    assert not re.search(
        r"url\(|@import|style=|fetch\(|XMLHttpRequest|innerHTML|insertAdjacent|\beval\b|Function\(", text
    )


def test_the_page_is_accessible_to_screen_readers() -> None:
    """The page has a language, a title, one h1, captions and scoped headings; each symbol is followed by a word."""
    text = failure_page()
    document = read_html(text)
    assert ("html", "lang", "en") in document.attributes
    assert "<title>fail: click-scorer</title>" in text
    assert document.tags.count("h1") == 1
    assert document.tags.count("caption") == document.tags.count("table")
    assert all(f'scope="{kind}"' in text for kind in ("col", "row"))
    assert document.tags.count("th") == sum(name == "scope" for tag, name, _ in document.attributes if tag == "th")
    assert len(re.findall(r'class="badge', text)) == len(re.findall(r'aria-hidden="true">.</span> [a-z]+</span>', text))


def test_the_page_contains_every_finding() -> None:
    """The page has no size limit; the verdict lists as many findings as `MAX_FINDINGS`."""
    number = MAX_FINDINGS - 100
    text = html.page(samples.report(samples.many_findings(number)))
    findings = next(text for tag, text in read_html(text).texts if tag == "script" and "campaign=" in text)
    data = json.loads(findings)
    where = [data["cells"][row[2]] if isinstance(row[2], int) else row[2] for row in data["rows"]]
    campaigns = [piece[1] for cell in where if isinstance(cell, list) for piece in cell if piece[0] == "c"]
    assert sorted(campaigns) == [f"campaign=campaign-{i:05d}" for i in range(number)]


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_contrast_is_sufficient() -> None:
    """Each text colour has a contrast of at least 4.5 to its background, light and dark (WCAG 2.2, level AA)."""
    light, dark = CSS.split("prefers-color-scheme")
    for part in (light, dark):
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part))
        pairs = [(ink, background) for ink in ("ink", "soft", "link") for background in ("page", "card", "head")]
        pairs += [(o.value, f"{o.value}-tint") for o in Outcome]
        for ink, background in pairs:
            darker, lighter = sorted((luminance(colours[ink]), luminance(colours[background])))
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (ink, background)
