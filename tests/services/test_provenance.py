"""Where results come from: the hash of an interval says whether its inputs are the same."""

import tomllib
from dataclasses import replace

import numpy as np
import pytest

from compute.register import IntervalAmounts
from deploy.embedded import PROJECT
from services.provenance import VERSION, interval_hashes


def amounts(*, points: int = 2, count: int = 3) -> IntervalAmounts:
    shape = (points, count)
    numbers = np.arange(points * count)
    return IntervalAmounts(
        amount=numbers.reshape(shape) / 10,
        covered_us=np.full(shape, 900_000_000, dtype=np.int64),
        reading_count=np.ones(shape, dtype=np.int32),
        quality=np.zeros(shape, dtype=np.int32),
        input_hash=(numbers * 1_000_003).reshape(shape).astype(np.int64),
    )


class TestIntervalHashes:
    def test_are_one_per_interval_of_16_bytes_and_repeatable(self) -> None:
        found = interval_hashes(amounts())
        assert [len(one) for one in found] == [16, 16, 16]
        assert len(set(found)) == 3
        assert interval_hashes(amounts()) == found

    @pytest.mark.parametrize("name", ["amount", "quality", "input_hash"])
    def test_change_with_what_any_point_gives_to_that_interval_alone(self, name: str) -> None:
        before = interval_hashes(amounts())
        changed = getattr(amounts(), name).copy()
        changed[1, 2] += 1
        after = interval_hashes(replace(amounts(), **{name: changed}))
        assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, False]

    def test_tell_points_apart(self) -> None:
        one = amounts()
        swapped = replace(
            one,
            amount=one.amount[::-1].copy(),
            input_hash=one.input_hash[::-1].copy(),
        )
        assert not set(interval_hashes(one)) & set(interval_hashes(swapped))

    def test_do_not_depend_on_which_window_they_are_computed_in(self) -> None:
        whole = amounts(count=5)
        part = IntervalAmounts(
            **{name: getattr(whole, name)[:, 2:4] for name in IntervalAmounts.__slots__}
        )
        assert interval_hashes(part) == interval_hashes(whole)[2:4]

    def test_of_a_site_without_points_are_all_the_same(self) -> None:
        assert len(set(interval_hashes(amounts(points=0)))) == 1


def test_the_version_is_the_one_of_the_package() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == VERSION
