"""Every view in both languages, light and dark, at four widths."""

import itertools

import pytest

from tests.browser.page import MISSING_GLYPHS, OVERFLOW, Visitor

SIZES = {1366: 768, 360: 780, 1920: 1080, 3840: 2160}
MANAGER = "energy_manager@demo"
OPERATOR = "park_operator@demo-park"
VIEWS = {
    "sign-in": ("/overview", None),
    "overview": ("/overview", MANAGER),
    "flow": ("/flow", MANAGER),
    "trends": ("/trends", MANAGER),
    "meters": ("/meters", MANAGER),
    "review": ("/review", MANAGER),
    "park": ("/park", OPERATOR),
    "screen": ("/overview?screen=1", MANAGER),
}
CASES = [
    pytest.param(*case, id="-".join(case))
    for case in itertools.product(VIEWS, ("zh-CN", "en"), ("light", "dark"))
]


class TestView:
    @pytest.mark.parametrize(("view", "language", "theme"), CASES)
    def test_stands_whole_and_without_complaint(
        self, visitor: Visitor, view: str, language: str, theme: str
    ) -> None:
        path, login = VIEWS[view]
        with visitor.visit(path, login=login, language=language, theme=theme) as visit:
            visit.settle()
            for width, height in SIZES.items():
                visit.page.set_viewport_size({"width": width, "height": height})
                visit.settle()
                visit.keep_screenshot(f"{view}-{language}-{width}-{theme}")
                assert visit.evaluate(OVERFLOW) <= 0, width
                assert visit.axe_violations() == [], width
            assert visit.evaluate(MISSING_GLYPHS) == []
            assert visit.complaints == []
            assert visit.page.locator("html").get_attribute("lang") == language
