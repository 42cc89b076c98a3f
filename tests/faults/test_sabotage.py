"""Every planted fault is found: a suite that stays green with one of them is itself broken."""

from pathlib import Path

import pytest

from tests.debian import PROJECT
from tests.faults import sabotage
from tests.faults.sabotage import SABOTAGES, Sabotage

NAMES = [f"{one.item} {one.what}" for one in SABOTAGES]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sabotage") / "tree"
    sabotage.copy_tree(folder)
    return folder


def test_the_list_has_what_can_be_built_in_today() -> None:
    assert [one.item for one in SABOTAGES] == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 19, 21, 22, 23]


@pytest.mark.parametrize("one", SABOTAGES, ids=NAMES)
def test_a_patch_fits_the_code_and_names_a_test(one: Sabotage) -> None:
    text = (PROJECT / one.path).read_text(encoding="utf-8")
    assert text.count(one.old) == 1
    path, *names = one.test.split("::")
    tests = (PROJECT / path).read_text(encoding="utf-8")
    for name in names:
        assert f"def {name}(" in tests or f"class {name}:" in tests, name


@pytest.mark.sabotage
@pytest.mark.parametrize("one", SABOTAGES, ids=NAMES)
def test_the_test_that_finds_it_passes_without_it(tree: Path, one: Sabotage) -> None:
    ended = sabotage.run_test(one, tree)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-1000:]


@pytest.mark.sabotage
@pytest.mark.parametrize("one", SABOTAGES, ids=NAMES)
def test_a_planted_fault_is_found(tree: Path, one: Sabotage) -> None:
    finding = sabotage.run(one, tree)
    word = "found" if finding.found else "NOT FOUND"
    print(f"\n{one.item:>2} {one.what}: {word} in {finding.seconds:.0f} s")
    print(f"   {one.path}: {one.new.strip() or 'a line less'}")
    print(f"   by {one.test}")
    assert finding.found, finding.output
