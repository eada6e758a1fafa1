"""Replicas, what they carry, and the demand on the dashboard."""

from __future__ import annotations

from browser import needs_chromium, opened, running_chromium
from dashboard_samples import changes, dashboard, history
from ghmlops.core.history.scaling import scaling
from ghmlops.report.dashboard.site import site
from history_records import scaled, stored


@needs_chromium
def test_replicas_and_capacity_over_time() -> None:
    """A step per change, the plan that was not set, the deployments of that time, and the rows behind them."""
    last = scaling(changes(60))[0].points[-1].record
    files = site(dashboard([*history(120), *changes(60)]))
    with running_chromium() as chromium, opened(chromium, files["index.html"]) as page:
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
        assert rows.count() == 30
        assert "30 older ones" in section.locator("caption").inner_text()
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
