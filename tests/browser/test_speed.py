"""First paint, first figure and answers to clicks, on a processor that is four times slower."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.page import Visit, Visitor
from tests.browser.test_page import MANAGER, OPERATOR

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

THROTTLE = 4
OBSERVE = """() => {
  window.seen = { figure: null, events: [], tasks: [] }
  const look = () => {
    const isReady = (card) => card.ariaBusy !== 'true' && card.querySelector('.figure, canvas, td')
    if ([...document.querySelectorAll('main .card')].some(isReady)) {
      window.seen.figure = performance.now()
    } else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.interactionId) window.seen.events.push([entry.name, entry.duration])
    }
  }).observe({ type: 'event', durationThreshold: 16, buffered: true })
}"""
FIRST = """() => ({
  paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null,
  figure: window.seen.figure,
})"""
VIEWS = {
    "overview": MANAGER,
    "flow": MANAGER,
    "trends": MANAGER,
    "meters": MANAGER,
    "park": OPERATOR,
}
EVERYWHERE = {"language": ".looks button:first-child", "theme": ".looks button:last-child"}
CLICKS = {
    "overview": {
        "a figure": ".figure",
        "closing it": '[role="dialog"] button, dialog button',
        "a curve": ".curve .bar button:nth-child(2)",
        "another view": 'nav a[href*="meters"]',
    },
    "flow": {
        "GJ": '.choices .bar button:has-text("GJ")',
        "tCO2e": '.choices .bar button:has-text("tCO")',
        "a place": "table button",
        "a period": '.choices .bar button:has-text("eriod")',
        "another view": 'nav a[href*="overview"]',
    },
    "trends": {
        "a choice": ".bar button:nth-child(2)",
        "a grain": ".choices .bar button:not([aria-pressed=true])",
        "another view": 'nav a[href*="flow"]',
    },
    "meters": {
        "a meter": "main tbody a, main tbody button",
        "another view": 'nav a[href*="trends"]',
    },
    "park": {"a figure": ".figure"},
}


def throttle(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})


def clicked_ms(visit: Visit, selector: str) -> float | None:
    """Return how long the page took from a click to the next paint. [ms]."""
    target = visit.page.locator(selector).first
    if target.count() == 0:
        return None
    visit.evaluate("() => { window.seen.events = [] }")
    target.click()
    visit.page.wait_for_timeout(1_500)
    events: list[tuple[str, float]] = visit.evaluate("() => window.seen.events")
    return max((duration for _, duration in events), default=0.0)


class TestSpeed:
    @pytest.mark.parametrize("view", VIEWS)
    def test_of_a_view(self, visitor: Visitor, view: str) -> None:
        firsts: list[dict[str, Any]] = []
        for _ in range(3):
            with visitor.visit(
                f"/{view}",
                login=VIEWS[view],
                language="en",
                width=1920,
                height=1080,
                prepare=throttle,
                observe=OBSERVE,
            ) as visit:
                visit.settle()
                firsts.append(visit.evaluate(FIRST))
                if len(firsts) == 3:
                    visit.page.wait_for_timeout(3_000)
                    for name, selector in (EVERYWHERE | CLICKS[view]).items():
                        print(f"{view}: {name}: {clicked_ms(visit, selector)} ms")
        for name in ("paint", "figure"):
            values = sorted(first[name] for first in firsts)
            print(f"{view}: first {name}: {', '.join(f'{value:.0f}' for value in values)} ms")
        assert all(first["figure"] is not None for first in firsts)
