"""The HTML page in a real browser: no error, no request, search and sort, hostile text, accessibility, any width."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from browser import assert_accessible, needs_chromium, opened, running_chromium
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
