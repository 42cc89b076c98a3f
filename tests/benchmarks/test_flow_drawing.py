"""Draw an energy flow of 300 links that all change every second, in a Chromium slowed four times.

The page is `dashboards/web/bench/flow.html`: the view's own board over a network without a centre.
Chromium draws in software here; times are of its clock, thread times of its main thread's processor.
"""

import statistics
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from deploy.embedded import PROJECT
from tests.chromium import ARGUMENTS, ensure_chromium

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

BENCH = PROJECT / ".cache" / "bench"
SLOWER = 4
WARM_MS = 4_000
MEASURED_MS = 10_000
FORGET = """() => {
  for (const times of ['frames', 'longTasks', 'updates', 'painting']) felt[times].length = 0
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves the built pages and says nothing."""

    def log_message(self, *_said: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    subprocess.run(["sh", "deploy/page.sh", "bench"], cwd=PROJECT, check=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=BENCH))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = str(ensure_chromium())
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


def thread_seconds(session: CDPSession) -> float:
    """Return how long the main thread has run on a processor. [s]."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(metric["value"]) for metric in metrics if metric["name"] == "ThreadTime")


def said(values: list[float]) -> str:
    if not values:
        return "none"
    return f"median {statistics.median(values):.0f} ms, longest {max(values):.0f} ms"


def use(page: Page) -> None:
    """Move over the drawing, then pick what lies in its middle, while everything glides."""
    box = page.locator("[role=img]").bounding_box()
    assert box is not None
    left, top = box["x"] + box["width"] * 0.2, box["y"] + min(box["height"], 900) * 0.3
    for step in range(30):
        page.mouse.move(left + step * 20, top + step * 10)
        page.wait_for_timeout(60)
    for step in range(4):
        page.mouse.click(left + 40 + step * 25, top + step * 30)
        page.wait_for_timeout(700)


@pytest.mark.parametrize("shape", ["dense", "tall"])
def test_three_hundred_links_glide(address: str, browser: Browser, shape: str) -> None:
    page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.goto(f"{address}/flow.html?shape={shape}&count=300")
    page.wait_for_timeout(WARM_MS)
    # A slowed thread burns what it is slowed by: its own work is what it does at full speed.
    before = thread_seconds(session)
    page.wait_for_timeout(MEASURED_MS)
    busy = SLOWER * (thread_seconds(session) - before) * 1000 / MEASURED_MS
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.reload()
    page.wait_for_function("() => window.felt.firstPaintMs > 0")
    page.wait_for_timeout(WARM_MS)
    first = page.evaluate("() => felt.firstPaintMs")
    page.evaluate(FORGET)
    page.wait_for_timeout(MEASURED_MS)
    felt: dict[str, Any] = page.evaluate("() => JSON.parse(JSON.stringify(felt))")
    page.evaluate("() => { felt.events = {} }")
    use(page)
    events: dict[str, list[float]] = page.evaluate("() => felt.events")
    page.close()

    assert felt["frames"]
    assert felt["updates"]
    median = statistics.median(felt["frames"])
    print(f"\n300 links, {shape}, 1920 x 1080, processor slowed {SLOWER} times")
    print(f"  first paint             {first:.0f} ms")
    print(f"  frames of a glide       {said(felt['frames'])}: {1000 / median:.0f} frames/s")
    print(f"  script of an update     {said(felt['updates'])}")
    print(f"  main thread             {busy:.0%} of a processor so much slower")
    print(f"  painting thread         {said(felt['painting'])} a frame, not slowed")
    print(f"  tasks from 50 ms        {len(felt['longTasks'])} in 10 s: {said(felt['longTasks'])}")
    for name in ("pointermove", "pointerover", "pointerdown", "click"):
        print(f"  {name:<14} to paint {said(events.get(name, []))}")
