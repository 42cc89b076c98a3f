"""Draw an energy flow of 300 links that all change every second, in a Chromium slowed four times.

The page is `dashboards/web/bench/flow.html`: the view's own board over a network without a centre.
Chromium draws in software here. What its threads work is counted in time on a processor, which no
other program changes; what a user waits is by the clock, which they do.
"""

import statistics
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
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
UNITS = ("GJ", "tce", "tCO₂e", "kWh")
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


class Threads:
    """What threads of a page's process have used of processors, whatever else the machine does."""

    def __init__(self, browser: Browser, session: CDPSession) -> None:
        self._session = session
        session.send("Performance.enable")
        found = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
        self._renderers = [int(process["id"]) for process in found if process["type"] == "renderer"]

    def main_ms(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return next(1000 * float(one["value"]) for one in metrics if one["name"] == "ThreadTime")

    def painting_ms(self) -> float:
        """Return the time of the newest worker. [ms]."""
        threads = [
            thread
            for pid in self._renderers
            for thread in Path(f"/proc/{pid}/task").glob("*")
            if (thread / "comm").read_text().startswith("DedicatedWorker")
        ]
        newest = max(threads, key=lambda thread: int(thread.name))
        # Time on a processor [ns], time waiting for one, turns.
        return int((newest / "schedstat").read_text().split()[0]) / 1e6


def said(values: list[float]) -> str:
    if not values:
        return "none"
    return f"median {statistics.median(values):.0f} ms, longest {max(values):.0f} ms"


def point(page: Page, count: int, pause_ms: int) -> None:
    """Move over the drawing."""
    box = page.locator("[role=img]").bounding_box()
    assert box is not None
    for step in range(count):
        x = box["x"] + box["width"] * (0.2 + 0.5 * step / count)
        page.mouse.move(x, box["y"] + min(box["height"], 900) * (0.3 + 0.3 * step / count))
        page.wait_for_timeout(pause_ms)


def pick(page: Page) -> None:
    """Choose what lies under the pointer, wherever that is a link."""
    page.mouse.down()
    page.mouse.up()


def places(page: Page) -> list[tuple[float, float]]:
    """Return where the units are chosen: looking for them is work of the main thread too."""
    boxes = [page.locator(f"button:text-is('{unit}')").first.bounding_box() for unit in UNITS]
    return [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes if box]


def own_work(page: Page, threads: Threads, work: Callable[[], object]) -> float:
    """Return how long the main thread works for what a user does, until all is still. [ms]."""
    before = threads.main_ms()
    work()
    page.wait_for_timeout(1_500)
    return threads.main_ms() - before


@pytest.mark.parametrize("shape", ["dense", "tall"])
def test_work_of_three_hundred_links(address: str, browser: Browser, shape: str) -> None:
    page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
    session = page.context.new_cdp_session(page)
    page.goto(f"{address}/flow.html?shape={shape}&count=300")
    page.wait_for_timeout(WARM_MS)
    threads = Threads(browser, session)
    page.evaluate(FORGET)
    main, painting = threads.main_ms(), threads.painting_ms()
    page.wait_for_timeout(MEASURED_MS)
    main, painting = threads.main_ms() - main, threads.painting_ms() - painting
    felt: dict[str, Any] = page.evaluate("() => felt")
    page.goto(f"{address}/flow.html?shape={shape}&count=300&still=1")
    page.wait_for_timeout(WARM_MS)
    moves = own_work(page, threads, lambda: point(page, 20, 60)) / 20
    click = own_work(page, threads, lambda: pick(page))
    units = [own_work(page, threads, partial(page.mouse.click, *place)) for place in places(page)]
    page.close()

    assert felt["updates"]
    assert felt["painting"]
    frames, updates = len(felt["painting"]), len(felt["updates"])
    print(f"\n300 links, {shape}, 1920 x 1080, on a processor {SLOWER} times slower than this one")
    print(f"  update, its glide       {SLOWER * main / updates:.0f} ms of the main thread")
    print(f"  move of the pointer     {SLOWER * moves:.0f} ms of the main thread")
    print(f"  click, with its answer  {SLOWER * click:.0f} ms of the main thread")
    print(
        f"  unit switch, its glide  {SLOWER * statistics.median(units):.0f} ms of the main thread"
    )
    print(f"  frame                   {painting / frames:.1f} ms of the painter at full speed")


@pytest.mark.parametrize("shape", ["dense", "tall"])
def test_three_hundred_links_glide(address: str, browser: Browser, shape: str) -> None:
    page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(f"{address}/flow.html?shape={shape}&count=300")
    page.wait_for_function("() => window.felt.firstPaintMs > 0")
    page.wait_for_timeout(WARM_MS)
    first = page.evaluate("() => felt.firstPaintMs")
    page.evaluate(FORGET)
    page.wait_for_timeout(MEASURED_MS)
    felt: dict[str, Any] = page.evaluate("() => JSON.parse(JSON.stringify(felt))")
    page.evaluate("() => { felt.events = {} }")
    point(page, 30, 60)
    for _ in range(4):
        pick(page)
        page.wait_for_timeout(700)
    events: dict[str, list[float]] = page.evaluate("() => felt.events")
    page.evaluate("() => { felt.events = {} }")
    for place in places(page):
        page.mouse.click(*place)
        page.wait_for_timeout(1_000)
    units: list[float] = page.evaluate("() => felt.events.click ?? []")
    page.close()

    assert felt["updates"]
    assert felt["painting"]
    print(f"\n300 links, {shape}, 1920 x 1080, main thread slowed {SLOWER} times, by the clock")
    print(f"  first paint             {first:.0f} ms")
    # None where painting is too slow for any: then everything is where it belongs at once.
    rate = f": {1000 / statistics.median(felt['frames']):.0f} frames/s" if felt["frames"] else ""
    print(f"  frames of a glide       {said(felt['frames'])}{rate}")
    print(f"  script of an update     {said(felt['updates'])}")
    print(f"  painting of a frame     {said(felt['painting'])}, not slowed")
    print(f"  tasks from 50 ms        {len(felt['longTasks'])} in 10 s: {said(felt['longTasks'])}")
    print(f"  unit switch    to paint {said(units)}")
    for name in ("pointermove", "pointerover", "pointerdown", "click"):
        print(f"  {name:<14} to paint {said(events.get(name, []))}")
