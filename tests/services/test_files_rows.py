"""The rows of a replayed file."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from deploy.message import Reading
from services.files.fault import FileRefused
from services.files.file_map import read_map
from services.files.rows import BAD_CELL_LISTED_MAX, RowReader

MAP: dict[str, Any] = {
    "time": {"column": "t", "format": "%Y-%m-%d %H:%M", "zone": "UTC"},
    "points": [{"column": "a", "point": "A"}],
}
MINUTE_US = 60_000_000
START_US = 1_577_836_800_000_000  # 2020-01-01


def _reader(tmp_path: Path, content: bytes | str, **changes: Any) -> RowReader:
    path = tmp_path / "data.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return RowReader(path, read_map(MAP | changes, place="test"))


def _all(reader: RowReader) -> list[Reading]:
    return [reading for _, readings in reader.batches(3) for reading in readings]


def _rows(*cells: str) -> str:
    return "t,a\n" + "".join(
        f"2020-01-01 00:{minute:02},{cell}\n" for minute, cell in enumerate(cells)
    )


class TestBatches:
    def test_reads_plain_and_gzipped_whatever_the_name(self, tmp_path: Path) -> None:
        text = _rows("1", "2.5", "-3e2").encode()
        expected = [
            ("A", START_US, 1.0),
            ("A", START_US + MINUTE_US, 2.5),
            ("A", START_US + 2 * MINUTE_US, -300.0),
        ]
        for content in (text, gzip.compress(text), text.replace(b"\n", b"\r\n"), text[:-1]):
            assert _all(_reader(tmp_path, content)) == expected

    def test_passes_over_a_byte_order_mark(self, tmp_path: Path) -> None:
        assert len(_all(_reader(tmp_path, "\ufeff" + _rows("1")))) == 1

    @pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "latin-1"])
    def test_reads_other_encodings(self, tmp_path: Path, encoding: str) -> None:
        column = "a" if encoding == "latin-1" else "用电量"
        content = f"t,{column}\n2020-01-01 00:00,1\n".encode(encoding)
        points = [{"column": column, "point": "A"}]
        assert _all(_reader(tmp_path, content, encoding=encoding, points=points)) == [
            ("A", START_US, 1.0)
        ]

    def test_reads_other_delimiters_and_titles_above_the_header(self, tmp_path: Path) -> None:
        content = 'Report\n"one, two"\nt;x;a\n2020-01-01 00:00;;1\n'
        reader = _reader(tmp_path, content, delimiter=";", skip_rows=2)
        assert _all(reader) == [("A", START_US, 1.0)]

    def test_joins_a_date_and_a_time(self, tmp_path: Path) -> None:
        time = MAP["time"] | {"column": ["date", "time"]}
        reader = _reader(tmp_path, "date,time,a\n2020-01-01,00:01,1\n", time=time)
        assert _all(reader) == [("A", START_US + MINUTE_US, 1.0)]

    def test_names_the_points_of_the_long_form_by_key(self, tmp_path: Path) -> None:
        content = "t,meter,a\n2020-01-01 00:00,7,1\n2020-01-01 00:00, 12 ,2\n2020-01-01 00:00,,3\n"
        points = [{"column": "a", "point": "INV{key:0>2}_TOTAL"}]
        reader = _reader(tmp_path, content, key="meter", points=points)
        assert [reading[0] for reading in _all(reader)] == ["INV07_TOTAL", "INV12_TOTAL"]
        assert [str(cell) for cell in reader.tally.bad_cells] == [
            "line 4, column 'meter': '' names no meter"
        ]

    def test_resumes_after_any_row_as_if_never_stopped(self, tmp_path: Path) -> None:
        text = _rows("1", "x", "", "4", "5", "6", "7")
        whole = _all(_reader(tmp_path, text))
        for stop in range(8):
            before: list[Reading] = []
            reader = _reader(tmp_path, text)
            for row_count, readings in reader.batches(1):
                if row_count <= stop:
                    before += readings
            resumed = _reader(tmp_path, text)
            after = [
                r for _, readings in resumed.batches(2, after_row_count=stop) for r in readings
            ]
            assert before + after == whole
            assert resumed.tally == reader.tally

    def test_ends_with_the_count_of_all_rows(self, tmp_path: Path) -> None:
        batches = list(_reader(tmp_path, _rows("1", "2", "x", "")).batches(2))
        assert [(rows, len(readings)) for rows, readings in batches] == [(2, 2), (4, 0)]

    def test_knows_how_far_it_is(self, tmp_path: Path) -> None:
        reader = _reader(tmp_path, _rows(*["1"] * 50))
        list(reader.batches(10))
        assert reader.read_bytes == reader.size_bytes > 900
        assert (reader.tally.first_ts_us, reader.tally.last_ts_us) == (
            START_US,
            START_US + 49 * MINUTE_US,
        )


class TestCells:
    @pytest.mark.parametrize(
        ("text", "changes", "value"),
        [
            ("1.5", {}, 1.5),
            (" 1.5 ", {}, 1.5),
            ("0", {}, 0.0),
            ('"1,008.53"', {"thousands": ","}, 1008.53),
            ('"-1,234,567"', {"thousands": ","}, -1234567.0),
            ('"1.234,5"', {"thousands": ".", "decimal": ","}, 1234.5),
            ('"12,5"', {"decimal": ","}, 12.5),
            ("1'000", {"thousands": "'"}, 1000.0),
            ("0.1", {"points": [{"column": "a", "point": "A", "scale": 1000}]}, 100.0),
            ("1.1", {"points": [{"column": "a", "point": "A", "scale": "0.001"}]}, 0.0011),
        ],
    )
    def test_reads_numbers(
        self, tmp_path: Path, text: str, changes: dict[str, Any], value: float
    ) -> None:
        assert [row[2] for row in _all(_reader(tmp_path, _rows(text), **changes))] == [value]

    @pytest.mark.parametrize("text", ["", "-", "—", "NA", "无", "NaN", "  "])
    def test_leaves_out_what_is_missing(self, tmp_path: Path, text: str) -> None:
        reader = _reader(tmp_path, _rows("1", text, "3"))
        assert len(_all(reader)) == 2
        assert (reader.tally.missing_count, reader.tally.bad_count) == (1, 0)

    @pytest.mark.parametrize(
        ("text", "changes", "reason"),
        [
            ("abc", {}, "is not a number"),
            ('"1,234"', {}, "is not a number"),
            ('"1,23"', {"thousands": ","}, "between thousands"),
            ('"1.5"', {"decimal": ","}, "decimal sign"),
            ("1_000", {}, "is not a number"),
            ("１２", {}, "is not a number"),
            ("12 kWh", {}, "is not a number"),
            ("inf", {}, "is not a finite number"),
            ("1e400", {}, "is not a finite number"),
            ("=1+1", {}, "is not a number"),
            ("#REF!", {}, "is not a number"),
            ("", {"missing": []}, "is not a number"),
            ("-", {"missing": [""]}, "is not a number"),
            ("x", {"points": [{"column": "a", "point": "A", "scale": 2}]}, "is not a number"),
            ("1e999999999", {"points": [{"column": "a", "point": "A", "scale": 9}]}, "is not"),
        ],
    )
    def test_lists_a_bad_cell_and_goes_on(
        self, tmp_path: Path, text: str, changes: dict[str, Any], reason: str
    ) -> None:
        reader = _reader(tmp_path, _rows("1", text, "3"), **changes)
        assert len(_all(reader)) == 2
        [cell] = reader.tally.bad_cells
        assert (cell.line, cell.column, cell.value) == (3, "a", text.strip('"'))
        assert reason in cell.reason
        assert (reader.tally.row_count, reader.tally.bad_count) == (3, 1)

    def test_uses_the_missing_list_of_the_point(self, tmp_path: Path) -> None:
        points = [{"column": "a", "point": "A", "missing": ["off"]}]
        reader = _reader(tmp_path, _rows("off", "NA"), points=points)
        assert _all(reader) == []
        assert (reader.tally.missing_count, reader.tally.bad_count) == (1, 1)

    def test_lists_a_bad_time_with_its_line(self, tmp_path: Path) -> None:
        reader = _reader(tmp_path, "t,a\n2020-01-01 00:00,1\n\nTotal,9\n")
        assert len(_all(reader)) == 1
        assert str(reader.tally.bad_cells[0]).startswith(
            "line 4, column 't': 'Total' is not a time"
        )

    def test_lists_a_row_with_too_many_cells(self, tmp_path: Path) -> None:
        reader = _reader(tmp_path, "t,a\n2020-01-01 00:00,1,008.53\n2020-01-01 00:01,1,,\n")
        assert len(_all(reader)) == 1
        assert "has 3 cells, the header 2" in str(reader.tally.bad_cells[0])

    def test_takes_the_absent_cells_of_a_short_row_as_empty(self, tmp_path: Path) -> None:
        reader = _reader(tmp_path, "t,a\n2020-01-01 00:00\n")
        assert _all(reader) == []
        assert reader.tally.missing_count == 1

    def test_lists_foreign_bytes_by_their_number(self, tmp_path: Path) -> None:
        reader = _reader(tmp_path, b"t,a,note\n2020-01-01 00:00,\xff1,\n2020-01-01 00:01,2,\xfe\n")
        assert [row[2] for row in _all(reader)] == [2.0]
        assert reader.tally.bad_cells[0].value == "\\udcff1"

    def test_counts_all_bad_cells_and_lists_the_first(self, tmp_path: Path) -> None:
        text = "t,a\n" + "2020-01-01 00:00,x\n" * (BAD_CELL_LISTED_MAX + 5)
        reader = _reader(tmp_path, text)
        assert _all(reader) == []
        assert reader.tally.bad_count == BAD_CELL_LISTED_MAX + 5
        assert len(reader.tally.bad_cells) == BAD_CELL_LISTED_MAX


class TestFileRefused:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "no column 'a'; .*no header at all"),
            (b"t;a\n2020-01-01 00:00;1\n", "see `delimiter`"),
            (b"t,A \n", "it has 't', 'A'"),
            (b"t,a,a\n", "'a' stands 2 times"),
            (b"PK\x03\x04rest", "Excel"),
            (_rows("1").encode("utf-16"), "encoding: utf-16"),
            (gzip.compress(_rows(*["1"] * 60).encode())[:-20], "cut, damaged"),
            (b"t,a\n" + b"x" * 1_000_001, "longer than"),
            (b't,a\n"2020' + b"x,1\n" * 100_000, "see quotes"),
        ],
    )
    def test_says_what_to_do(self, tmp_path: Path, content: bytes, reason: str) -> None:
        with pytest.raises(FileRefused, match=reason):
            _all(_reader(tmp_path, content))

    def test_names_the_encoding_that_does_not_fit(self, tmp_path: Path) -> None:
        content = _rows("1").encode("utf-16")[:-1]
        with pytest.raises(FileRefused, match="not utf-16"):
            _all(_reader(tmp_path, content, encoding="utf-16"))

    def test_names_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        reader = RowReader(tmp_path / "absent.csv", read_map(MAP, place="test"))
        with pytest.raises(FileRefused, match=r"absent\.csv"):
            _all(reader)
