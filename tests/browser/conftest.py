"""One demo and one Chromium for all tests that look at the page.

They end with the last of these tests: Playwright keeps an event loop running in the thread of the
tests, and no other test could run its own beside it.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.demo_run import DemoRun, running_demo
from tests.browser.page import Visitor
from tests.chromium import ARGUMENTS, ensure_chromium
from tests.debian import ServerAbsentError


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoRun]:
    with running_demo(tmp_path_factory.mktemp("demo") / "folder") as run:
        run.wait_filled()
        yield run


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    try:
        path = ensure_chromium()
    except ServerAbsentError as error:
        pytest.skip(f"chromium is absent: {error}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def visitor(demo: DemoRun, browser: Browser) -> Visitor:
    return Visitor(demo, browser)
