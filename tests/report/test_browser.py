"""The HTML page in a real browser: no error, no request, search and sort, hostile text, accessibility, any width."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace as replace_struct

from browser import assert_accessible, needs_chromium, opened, running_chromium
from ghmlops.core.model import NotMeasured
from ghmlops.report.content.latency.latency_charts import latency_charts
from ghmlops.report.formats import html
from ghmlops.report.formats.script import STATIC_ROWS
from report import latency_samples, samples
from report.hostile_samples import ATTACKS, evidence_with
from report.prediction_samples import predictions
from thoroughness import thorough

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = needs_chromium
NUMBER = 300


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


def failure_page() -> str:
    """Return a page with every kind of section."""
    files = (samples.latency(slow=True), samples.regression(broken=True), samples.capacity(), predictions())
    drawn = latency_charts([latency_samples.with_course(latency_samples.latency(ratio=1.3))])
    return html.page(replace(samples.report(*files), latency=drawn))


def findings(page: Page) -> list[str]:
    """Return the slices of the findings that are drawn, in their order."""
    return page.locator(".list tbody code:has-text('campaign=')").all_inner_texts()


def rows_drawn(page: Page) -> int:
    return page.locator(".list tbody tr:not(.sentence)").count()


def status(page: Page) -> str:
    return page.locator(".list output").inner_text()


def test_findings_can_be_searched_filtered_and_sorted(chromium: Browser) -> None:
    """The first rows are there at once; a search covers all rows; a heading sorts by number; the keyboard suffices."""
    with opened(chromium, html.page(samples.report(samples.many_findings(NUMBER)))) as page:
        assert rows_drawn(page) == STATIC_ROWS
        page.get_by_role("button", name="Show more rows").click()
        assert rows_drawn(page) == 2 * STATIC_ROWS
        page.get_by_label("Search").fill("campaign-00017")
        assert findings(page) == ["campaign=campaign-00017"]
        assert status(page).startswith("1 of 1 ")
        page.get_by_label("Search").fill("")
        page.get_by_label("Outcome").select_option("pass")
        assert rows_drawn(page) == STATIC_ROWS
        assert status(page).startswith(f"{STATIC_ROWS} of 251 ")
        page.get_by_label("Outcome").select_option("")
        heading = page.get_by_role("button", name="n", exact=True)
        heading.focus()
        page.keyboard.press("Enter")
        assert findings(page)[:3] == [f"campaign=campaign-{i:05d}" for i in range(3)]
        page.keyboard.press("Enter")
        assert findings(page)[:2] == [f"campaign=campaign-{i:05d}" for i in (NUMBER - 1, NUMBER - 2)]
        assert page.locator("th[aria-sort=descending]").inner_text().startswith("n")
        page.get_by_label("Search").fill("nothing like this")
        assert (findings(page), status(page).split()[0]) == ([], "0")


def test_rows_of_the_script_equal_those_of_the_page(chromium: Browser) -> None:
    """Rows that the script draws have the same elements as the rows of the page."""
    with opened(chromium, html.page(samples.report(samples.many_findings(NUMBER)))) as page:
        body = page.locator(".list tbody")
        before = body.locator("tr").evaluate_all("rows => rows.map(row => row.outerHTML.replace(/ class=\"\"/g, ''))")
        page.get_by_label("Search").fill("campaign")
        page.get_by_label("Search").fill("")
        after = body.locator("tr").evaluate_all("rows => rows.map(row => row.outerHTML.replace(/ class=\"\"/g, ''))")
    assert before == after


def test_hostile_text_stays_text(chromium: Browser) -> None:
    """No attack in evidence becomes an element or runs, neither in the page nor in rows that the script draws."""
    report = samples.report(*(evidence_with(bad) for bad in ATTACKS[:40]))
    with opened(chromium, html.page(report)) as page:
        page.get_by_label("Search").first.fill("a")
        page.get_by_label("Search").first.fill("")
        while (more := page.get_by_role("button", name="Show more rows")).count() and more.first.is_visible():
            more.first.click()
        assert (
            page.locator("main").locator("img, iframe, object, b, script:not([type='application/json'])").count() == 0
        )
        assert page.evaluate("Object.keys(window).filter(name => /pwned|xss/i.test(name))") == []


@pytest.mark.parametrize(
    ("width", "dark"),
    [
        (1280, False),
        (400, True),
        pytest.param(1280, True, marks=thorough),
        pytest.param(400, False, marks=thorough),
    ],
)
def test_accessibility(chromium: Browser, dark: bool, width: int) -> None:
    """axe-core finds nothing with all sections open, and the page is not wider than the screen."""
    report = samples.report(samples.latency(slow=True), samples.regression(broken=True), samples.many_findings(40))
    for text in (failure_page(), html.page(replace(report, service="x" * 300))):
        with opened(chromium, text, dark=dark, width=width) as page:
            assert_accessible(page)


def test_a_narrow_screen_shows_sentences_whole(chromium: Browser) -> None:
    """Sentences below rows of a wide table are on the screen, also those that the script draws, and after a scroll."""
    report = samples.report(samples.latency(slow=True), samples.many_findings(NUMBER))
    with opened(chromium, html.page(report), width=400) as page:
        page.get_by_role("button", name="Show more rows").click()
        page.evaluate("document.querySelectorAll('.wide').forEach(table => { table.scrollLeft = 60; })")
        sides = page.evaluate(
            """[...document.querySelectorAll(".sentence div")].map(text => {
                const box = text.getBoundingClientRect(); return [box.left, box.right, box.width]; })"""
        )
    boxes = [(left, right) for left, right, width in sides if width]
    assert len(boxes) > STATIC_ROWS
    assert [(left, right) for left, right in boxes if left < 0 or right > 400] == []


@pytest.mark.parametrize("width", [400, 1280])
def test_a_long_word_does_not_widen_the_page(chromium: Browser, width: int) -> None:
    """A path, a digest or a name without a space is broken, wherever it is."""
    word = "/very/long/" + "x" * 400
    file = samples.regression(broken=True)
    findings = [replace_struct(one, reason=f"{word} {one.reason}") for one in file.findings]
    missing = [NotMeasured(what=f"{word} of the baseline", why=f"no {word}")]
    file = replace_struct(file, findings=findings, not_measured=missing)
    with opened(chromium, html.page(replace(samples.report(file), service=word)), width=width) as page:
        page.evaluate("document.querySelectorAll('details').forEach(section => { section.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
