"""The page: self-contained, accessible, complete."""

from __future__ import annotations

import base64
import hashlib
import re

from ghmlops.core.model import Outcome
from ghmlops.report.formats import html
from ghmlops.report.formats.css import CSS
from report import samples
from report.reading import read_html


def fail() -> str:
    """Return the page of a failure."""
    return html.page(samples.report(samples.latency(slow=True), samples.regression(broken=True)))


def test_it_loads_nothing_and_runs_nothing() -> None:
    """The page asks for no resource, and its policy forbids all but its own style."""
    text = fail()
    seen = read_html(text)
    policy = next(v for _, name, v in seen.attributes if name == "content" and v.startswith("default-src"))
    digest = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
    assert policy == f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{digest}'"
    assert f"<style>{CSS}</style>" in text
    assert not {"script", "img", "link", "iframe", "object"} & set(seen.tags)
    assert not re.search(r"url\(|@import|style=", text)


def test_it_can_be_read_by_ear() -> None:
    """Language, title, one h1, captions, scoped headings, and an outcome in words wherever there is a symbol."""
    text = fail()
    seen = read_html(text)
    assert ("html", "lang", "en") in seen.attributes
    assert "<title>fail: click-scorer</title>" in text
    assert seen.tags.count("h1") == 1
    assert seen.tags.count("caption") == seen.tags.count("table")
    assert all(f'scope="{kind}"' in text for kind in ("col", "row"))
    assert seen.tags.count("th") == sum(name == "scope" for tag, name, _ in seen.attributes if tag == "th")
    assert len(re.findall(r'class="badge', text)) == len(re.findall(r'aria-hidden="true">.</span> [a-z]+</span>', text))


def test_every_finding_is_there() -> None:
    """Nothing is cut from the page."""
    text = html.page(samples.report(samples.many_findings(10_000)))
    assert text.count("campaign=campaign-") >= 10_000
    assert all(f"campaign-{i:05d}<" in text for i in (0, 4_999, 9_999))


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_contrast_is_enough() -> None:
    """Every text colour has a contrast of at least 4.5 to what it stands on, light and dark (WCAG 2.2, AA)."""
    light, dark = CSS.split("prefers-color-scheme")
    for part in (light, dark):
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part))
        pairs = [(ink, ground) for ink in ("ink", "soft", "link") for ground in ("page", "card", "head")]
        pairs += [(o.value, f"{o.value}-tint") for o in Outcome]
        for ink, ground in pairs:
            first, second = sorted((luminance(colours[ink]), luminance(colours[ground])))
            assert (second + 0.05) / (first + 0.05) >= 4.5, (ink, ground)
