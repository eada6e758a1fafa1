"""The dashboard in a real browser: no request, no error, accessibility, stale notice, hostile text; and its numbers."""

from __future__ import annotations

import csv
import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser import assert_accessible, needs_chromium, opened, running_chromium
from dashboard_samples import changes, dashboard, history
from ghmlops.core.history.hypothesis import Hypothesis
from ghmlops.core.history.reading import Problem
from ghmlops.core.history.record import DeploymentRecord, Effect
from ghmlops.core.history.scaling import scaling
from ghmlops.core.model import Outcome
from ghmlops.report.dashboard.site import site
from history_records import deployment, scaled, stored

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


def test_an_empty_history_is_a_page() -> None:
    """It names what does not count, and has no table of numbers."""
    data = dashboard(history(2), PROBLEMS)
    text = site(
        type(data)(**{name: getattr(data, name) for name in data.__slots__} | {"deployments": (), "scaling": ()})
    )
    assert list(text) == ["index.html"]
    assert "record-damaged" in text["index.html"]


@needs_chromium
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
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


def test_a_number_names_the_rows_that_it_was_counted_from(files: dict[str, str]) -> None:
    """The file of the services has all deployments; its name is its digest, and each row has records and evidence."""
    records = {item.id: item.record for item in history(120)}
    table = files["index.html"].split("<h2>Services</h2>")[1].split("</section>")[0]
    names = re.findall(r'href="(sources/[0-9a-f]{64}\.csv)"', table)
    assert len(names) == 2
    for name in names:
        assert hashlib.sha256(files[name].encode()).hexdigest() == Path(name).stem
    rows = [row for name in names for row in csv.DictReader(files[name].splitlines())]
    assert len(rows) == 120
    assert sorted(identity for row in rows for identity in row["records"].split()) == sorted(
        identity for identity, record in records.items() if isinstance(record, DeploymentRecord)
    )
    for row in rows:
        own = [records[identity] for identity in row["records"].split()]
        digests = [evidence.sha256 for record in own for evidence in getattr(record, "evidence", ())]
        assert row["evidence-sha256"].split() == digests
        assert row["commit"] == own[0].commit
    live = sum(row["state"] == "live" for row in rows)
    numbers = re.findall(r'<td class="number">(\d+)</td>', table)
    assert sum(int(number) for number in numbers[1::7]) == live


def test_every_aggregate_has_such_a_file(files: dict[str, str]) -> None:
    """Services, keys, charts and accuracy; no file is written that nothing refers to."""
    linked = set(re.findall(r'href="(sources/[^"]+)"', files["index.html"]))
    assert linked == {name for name in files if name.startswith("sources/")}
    for heading in ("Services", "Delivery: the four keys", "Metrics over time", "Hypotheses", "Accuracy of these"):
        section = files["index.html"].split(f"<h2>{heading}")[1].split("</section>")[0]
        assert 'href="sources/' in section, heading


@needs_chromium
def test_replicas_and_capacity_over_time(chromium: Browser, files: dict[str, str]) -> None:
    """A step per change, the plan that was not set, the deployments of that time, and the rows behind them."""
    last = scaling(changes(60))[0].points[-1].record
    with opened(chromium, files["index.html"]) as page:
        section = page.locator("section", has=page.get_by_role("heading", name="Replicas and capacity"))
        figures = section.locator("figure")
        assert figures.count() == 2
        assert figures.first.locator("circle.candidate").count() == 59
        assert figures.first.locator("circle.shrunk").count() == 1
        assert figures.nth(1).locator("circle.baseline").count() == 60
        live = [item for item in dashboard(history(120)).deployments if item.state == "live"]
        marked = sum(item.service == "scorer" for item in live)
        assert figures.first.locator("line.deployed").count() == min(100, marked)
        drawn = figures.first.locator("path.candidate").get_attribute("d") or ""
        assert drawn.count("V") == 59
        caption = figures.first.locator("figcaption").inner_text()
        assert f"{last.before} replicas" in caption
        section.locator("summary").click()
        rows = section.locator("tbody tr")
        assert rows.count() >= 20
        assert f"{last.before} → {last.replicas}" in rows.first.inner_text()
        assert last.evidence[0].sha256 in rows.first.inner_text()


def test_a_single_change_of_an_unknown_number() -> None:
    """The replicas before are a dash, a demand that does not count is named, and the page has no deployment."""
    record = scaled("2026-11-03T10:00:00+00:00", None, 3, applied=False, demand=None)
    data = dashboard([*history(2), *stored(record)])
    text = site(type(data)(**{name: getattr(data, name) for name in data.__slots__} | {"deployments": ()}))
    page = text["index.html"].split("<h2>Replicas and capacity</h2>")[1]
    assert "3 replicas since 2026-11-03" in page
    assert "demand: not known" in page
    assert "capacity: 300/s" in page


def test_a_plan_that_was_not_set_is_no_capacity() -> None:
    """The line stays at the replicas that were set; without any there is none."""
    first = scaled("2026-11-03T10:00:00+00:00", 1, 2)
    plan = scaled("2026-11-03T11:00:00+00:00", 2, 7, applied=False)
    for records, words in (((first, plan), "capacity: 200/s"), ((plan,), "capacity: not known")):
        page = site(dashboard([*history(2), *stored(*records)]))["index.html"].split("<h2>Replicas and capacity</h2>")[
            1
        ]
        assert "· replicas: 2 replicas since" in page
        assert words in page
