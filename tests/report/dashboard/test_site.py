"""The dashboard in a real browser: no request, no error, accessibility, stale notice, hostile text; and its numbers."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from browser import assert_accessible, needs_chromium, opened, running_chromium
from dashboard_samples import changes, dashboard, history
from ghmlops.core.history.hypothesis import Hypothesis
from ghmlops.core.history.reading import Problem
from ghmlops.core.history.record import Effect
from ghmlops.core.model import Outcome
from ghmlops.report.dashboard.site import site
from history_records import deployment, revert, scaled, stored
from thoroughness import thorough

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

PROBLEMS = (
    Problem("record-damaged", "records/2025-01/a.json", "it is no record"),
    Problem("record-clock-skew", "records/2025-01/b.json", "its time is in the future"),
    Problem("history-rewritten", "ghmlops-history", "the branch was force-pushed"),
)
ATTACK = "<img src=x onerror=window.pwned=1></script><script>window.pwned=1</script>"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return site(dashboard([*history(120), *changes(60)], PROBLEMS, former={"old-scorer": 7}))


def test_every_month_has_a_page_and_every_deployment_its_evidence(files: dict[str, str]) -> None:
    """All digests of the records are on the page of their month, in full."""
    records = history(120)
    months = sorted({stored.record.time[:7] for stored in records})
    pages = sorted(name for name in files if not name.startswith("sources/"))
    assert pages == [*(f"{month}.html" for month in months), "index.html"]
    for item in records:
        for evidence in getattr(item.record, "evidence", ()):
            assert evidence.sha256 in files[f"{item.record.time[:7]}.html"]


def test_what_does_not_count_is_named(files: dict[str, str]) -> None:
    """Damaged, from the future, lost by a force push, and a former name."""
    for problem in PROBLEMS:
        assert problem.code in files["index.html"]
        assert problem.path in files["index.html"]
    assert "old-scorer" in files["index.html"]


def test_an_incident_is_one_row() -> None:
    """Live, rolled back hours later, and reverted: one deployment, whose expectation is stated once."""
    expected = (Hypothesis(metric="p50", change=-0.2, text="p50 -20%"),)
    effect = Effect(metric="p50", unit="ratio", baseline=28.0, candidate=28.0612, estimate=0.002, outcome=Outcome.PASS)
    steps = (("gate", "allowed"), ("promote", "complete"), ("promote", "rollback"))
    records = [
        deployment(
            f"2026-11-03T{hour}:00:00+00:00",
            command=command,
            decision=decision,
            hypothesis=expected,
            effects=(effect,) if command == "gate" else (),
        )
        for hour, (command, decision) in enumerate(steps, 10)
    ]
    time = "2026-11-02T10:00:00+00:00"
    earlier = deployment(time, command="promote", decision="complete", commit="c" * 40, effects=(effect,))
    page = site(dashboard(stored(earlier, *records, revert("2026-11-03T13:00:00+00:00"))))["index.html"]
    month = page[page.index("Newest deployments") :]
    assert (month.count("<td><bdi>p50 -20%"), month.count("live, then rolled back")) == (1, 1)
    assert (page.count("p50 -20%; "), "28.1\u00a0ms now" in page) == (0, True)


def test_an_empty_history_is_a_page() -> None:
    """It names what does not count, and has no table of numbers."""
    data = dashboard(history(2), PROBLEMS)
    text = site(
        type(data)(**{name: getattr(data, name) for name in data.__slots__} | {"deployments": (), "scaling": ()})
    )
    assert list(text) == ["index.html"]
    assert "record-damaged" in text["index.html"]


@needs_chromium
@pytest.mark.parametrize(
    ("width", "dark"),
    [
        (1280, False),
        (400, True),
        pytest.param(1280, True, marks=thorough),
        pytest.param(400, False, marks=thorough),
    ],
)
def test_accessibility(chromium: Browser, files: dict[str, str], dark: bool, width: int) -> None:
    """axe-core finds nothing with all sections open; the page is not wider than the screen and requests nothing."""
    with opened(chromium, files["index.html"], dark=dark, width=width) as page:
        assert_accessible(page)


@needs_chromium
@pytest.mark.parametrize(("age", "is_stale"), [(35, False), (37, True)])
def test_a_page_says_that_it_is_out_of_date(chromium: Browser, files: dict[str, str], age: int, is_stale: bool) -> None:
    """By its script once it is older than `stale`; the date after which it is old is there without a script."""
    written = dashboard(history(120)).written
    page = chromium.new_page()
    page.clock.install(time=written + timedelta(hours=age))
    page.set_content(files["index.html"])
    assert page.locator("[data-stale]").is_visible() is is_stale
    page.close()
    plain = chromium.new_context(java_script_enabled=False).new_page()
    plain.set_content(files["index.html"])
    assert f"{written + timedelta(hours=36):%Y-%m-%d %H:%M}" in plain.locator("header").inner_text()
    plain.close()


@needs_chromium
def test_an_open_page_becomes_out_of_date(chromium: Browser, files: dict[str, str]) -> None:
    """Without being loaded again."""
    page = chromium.new_page()
    page.clock.install(time=dashboard(history(120)).written)
    page.set_content(files["index.html"])
    assert page.locator("[data-stale]").is_hidden()
    page.clock.fast_forward("40:00:00")
    assert page.locator("[data-stale]").is_visible()
    page.close()


@needs_chromium
def test_hostile_text_stays_text(chromium: Browser) -> None:
    """No field of a record becomes an element or runs."""
    effect = Effect(metric=ATTACK, dataset=ATTACK, unit=ATTACK, estimate=1.0, candidate=2.0, outcome=Outcome.PASS)
    records = [
        deployment(
            f"2026-11-03T10:{minute:02}:00+00:00", commit=f"{minute:040x}", service=ATTACK, environment=ATTACK,
            person=ATTACK, override=ATTACK, reason_code=ATTACK, effects=(effect,),
            hypothesis=(Hypothesis(text=ATTACK, metric=ATTACK, change=1.0), Hypothesis(text=ATTACK)),
        )
        for minute in range(60)
    ]  # fmt: skip
    change = scaled(
        "2026-11-03T12:00:00+00:00", 1, 2, commit="c" * 40, service=ATTACK, environment=ATTACK, reason=ATTACK
    )
    data = dashboard(stored(*records, change), [Problem(ATTACK, ATTACK, ATTACK)], former={ATTACK: 1}, repository=ATTACK)
    for name, text in site(data).items():
        if not name.endswith(".html"):
            assert "onerror" not in text
            continue
        with opened(chromium, text) as page:
            page.get_by_label("Search").last.fill("onerror")
            assert page.locator("main").locator("img, b, script:not([type='application/json'])").count() == 0
            assert page.evaluate("window.pwned ?? 0") == 0


def test_pages_link_to_each_other_only(files: dict[str, str]) -> None:
    """Each link is a page of the site or a commit of the repository."""
    for text in files.values():
        for address in re.findall(r'href="([^"]+)"', text):
            assert address in files or address.startswith("https://github.com/acme/shop/commit/")
