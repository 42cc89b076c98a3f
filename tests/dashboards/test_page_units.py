"""The page's own unit tests, and what its lock may say."""

import json
import re
import subprocess

from tests.debian import PROJECT

PAGE = PROJECT / "dashboards" / "web"


def test_the_units_of_the_page_are_sound() -> None:
    run = subprocess.run(
        ["sh", PROJECT / "deploy" / "page.sh", "units"],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert run.returncode == 0, run.stdout + run.stderr


class TestLock:
    LOCK = json.loads((PAGE / "package-lock.json").read_text(encoding="utf-8"))

    def test_has_a_hash_for_every_package_and_no_address(self) -> None:
        packages = {name: row for name, row in self.LOCK["packages"].items() if name}
        assert len(packages) > 50
        assert [name for name, row in packages.items() if "integrity" not in row] == []
        assert [name for name, row in packages.items() if "resolved" in row] == []

    def test_is_of_exact_versions(self) -> None:
        package = json.loads((PAGE / "package.json").read_text(encoding="utf-8"))
        wanted = package["dependencies"] | package["devDependencies"]
        assert [name for name, version in wanted.items() if not re.match(r"\d+\.", version)] == []
