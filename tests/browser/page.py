"""A visitor of the page: signs in once per user, opens views, and notes what goes wrong."""

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from deploy.embedded import PROJECT
from tests.browser.demo_run import DemoRun

AXE = PROJECT / "dashboards" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = PROJECT / ".cache" / "screenshots"
READY_MS = 30_000
WORKED_S = 60.0
# A character that no font has draws the box that stands for every missing one.
MISSING_GLYPHS = """() => {
  const seen = new Set()
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) for (const letter of walker.currentNode.data) seen.add(letter)
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = 32
  const drawing = canvas.getContext('2d', { willReadFrequently: true })
  drawing.font = `24px ${getComputedStyle(document.body).fontFamily}`
  const picture = (letter) => {
    drawing.clearRect(0, 0, 32, 32)
    drawing.fillText(letter, 2, 26)
    return drawing.getImageData(0, 0, 32, 32).data.join()
  }
  const missing = picture('\\u{10FFFD}')
  return [...seen].filter((letter) => letter.trim() && picture(letter) === missing)
}"""
# The page itself never scrolls sideways; a table or a chart may, inside its own frame.
OVERFLOW = """() => document.documentElement.scrollWidth - document.documentElement.clientWidth"""
# A view stands when its cards are there and none is loading; before, there is only the frame.
IS_SETTLED = """() => {
  const busy = document.querySelector('[aria-busy="true"]')
  return !busy && document.querySelector('main .card, main.card') !== null
}"""
IS_INSIDE = """() => document.querySelector('main#content') !== null"""
AXE_RUN = """async () => {
  const found = await axe.run(document, { resultTypes: ['violations'] })
  const where = (violation) => violation.nodes.map((node) => node.target.join(' ')).join(', ')
  return found.violations.map((violation) => `${violation.id}: ${where(violation)}`)
}"""


@dataclass
class Visit:
    """An open page and everything that its console complained of."""

    page: Page
    is_signed_in: bool
    complaints: list[str] = field(default_factory=list)

    def settle(self) -> None:
        """Wait until nothing is being loaded."""
        if self.is_signed_in:
            self.page.wait_for_function(IS_INSIDE, timeout=READY_MS)
        self.page.wait_for_function(IS_SETTLED, timeout=READY_MS)
        self.page.wait_for_timeout(400)  # charts finish drawing

    def today_tce(self) -> float:
        """Return what the overview says the plant used today. [tce]."""
        text = self.page.locator('.figure[data-quantity="coal_equivalent_tce"]').first.inner_text()
        found = re.search(r"[\d,]+\.?\d*", text)
        assert found, text
        return float(found[0].replace(",", ""))

    def evaluate(self, script: str) -> Any:
        return self.page.evaluate(script)

    def axe_violations(self) -> list[str]:
        """Return what axe finds; injected past the page's own policy for scripts."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[str] = self.page.evaluate(AXE_RUN)
        return found

    def keep_screenshot(self, name: str) -> Path:
        """Keep a picture for people to look at."""
        path = SCREENSHOTS / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=path)
        return path


class Visitor:
    """Opens the page as a user of the demo."""

    def __init__(self, demo: DemoRun, browser: Browser) -> None:
        self.demo = demo
        self._browser = browser
        self._state: dict[str, Any] = {}

    def _signed_in(self, login: str) -> Any:
        """Return cookies and storage of a user that has signed in through the form."""
        if login not in self._state:
            context = self._browser.new_context(base_url=self.demo.address)
            page = context.new_page()
            page.goto("/")
            page.fill('input[autocomplete="username"]', login)
            page.fill('input[autocomplete="current-password"]', self.demo.password[login])
            page.press('input[autocomplete="current-password"]', "Enter")
            page.wait_for_function(IS_INSIDE, timeout=READY_MS)
            self._state[login] = context.storage_state()
            context.close()
        return self._state[login]

    def ask(self, path: str, content: bytes | None = None) -> Any:
        """Return what the centre answers to the key of the demo; with content it is sent."""
        is_file = path.startswith("/imports?")
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.demo.address}/api/v1{path}",
            data=content,
            headers={
                "X-API-Key": self.demo.key["demo"],
                "Content-Type": "application/octet-stream" if is_file else "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    def today_tce(self) -> float:
        """Return what the centre answers of the same day. [tce]."""
        return float(self.ask("/live?site=main")["payload"]["day"]["coal_equivalent_tce"])

    @contextmanager
    def imported(self, content: str) -> Iterator[None]:
        """Have a file of readings taken, and taken back in the end."""
        sent = self.ask("/imports?site=main&name=readings.csv", content.encode())
        place = f"/imports/{sent['id']}"
        self._until(place, "checked")
        self.ask(f"{place}/take", json.dumps({"sha256": sent["sha256"]}).encode())
        self._until(place, "done")
        try:
            yield
        finally:
            self.ask(f"{place}/undo", b'{"reason": "end of the test"}')
            self._until(place, "withdrawn")

    def _until(self, place: str, state: str) -> None:
        deadline = monotonic() + WORKED_S
        while (found := self.ask(place))["state"] != state:
            assert monotonic() < deadline, found
            sleep(0.2)

    @contextmanager
    def visit(
        self,
        path: str,
        *,
        login: str | None,
        width: int = 1366,
        height: int = 768,
        language: str = "zh-CN",
        theme: str = "light",
        prepare: Callable[[Page], None] | None = None,
        observe: str | None = None,
    ) -> Iterator[Visit]:
        """Open a view; complaints of its console are noted as they come.

        `prepare` is called, and the script `observe` runs, before the page is opened.
        """
        context: BrowserContext = self._browser.new_context(
            base_url=self.demo.address,
            storage_state=None if login is None else self._signed_in(login),
            viewport={"width": width, "height": height},
            locale=language,
            color_scheme="dark" if theme == "dark" else "light",
        )
        page = context.new_page()
        if observe is not None:
            page.add_init_script(f"({observe})()")
        if prepare is not None:
            prepare(page)
        visit = Visit(page, is_signed_in=login is not None)
        page.on(
            "console",
            lambda said: visit.complaints.append(said.text) if said.type == "error" else None,
        )
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}&theme={theme}")
        try:
            yield visit
        finally:
            context.close()
