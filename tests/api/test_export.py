from datetime import UTC, datetime

import pytest

from api.export import cell


class TestCell:
    @pytest.mark.parametrize(
        ("value", "written"),
        [
            (None, ""),
            (-1.5, -1.5),
            (0, 0),
            (True, "true"),
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            (["partial", "open"], "partial open"),
            (["=1"], "'=1"),
            ([], ""),
            ({"b": 1, "a": "能"}, '{"a": "能", "b": 1}'),
            (datetime(2025, 1, 1, tzinfo=UTC), "2025-01-01T00:00:00Z"),
        ],
    )
    def test_is_safe_to_open(self, value: object, written: object) -> None:
        assert cell(value) == written
