"""Files as people send them: what is taken, what is refused, and what is said of it."""

import gzip
import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter

from services.files.fault import FileRefused, FileTooLarge, FileTypeRefused
from services.files.file_map import read_map
from services.files.guess import Guess, guess_map
from services.files.rows import Reading, RowReader

UNITS = {"P1": "kWh", "P-2": "kWh", "G1": "Nm3"}
SHANGHAI = ZoneInfo("Asia/Shanghai")
MARCH_US = 1_772_294_400_000_000  # 2026-03-01 in Shanghai
MINUTE_US = 60_000_000


def guessed(path: Path, **more: Any) -> Guess:
    return guess_map(path, units=UNITS, zone="Asia/Shanghai", sheet=None, **more)


def read(path: Path) -> tuple[list[Reading], RowReader]:
    reader = RowReader(path, guessed(path).file_map, units=UNITS, skips_totals=True)
    return [reading for row in reader.rows() for reading in row.readings], reader


def text_file(tmp_path: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def workbook(tmp_path: Path, rows: Sequence[Any], **options: Any) -> Path:
    path = tmp_path / "data.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm", **options}) as book:
        sheet = book.add_worksheet("读数")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return path


class TestTemplate:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
    def test_is_read_in_every_encoding_that_a_spreadsheet_writes(
        self, tmp_path: Path, encoding: str
    ) -> None:
        text = "时间 time [Asia/Shanghai],P1 [度],备注\n2026-03-01 00:00,1.5,早班\n"
        readings, _ = read(text_file(tmp_path, text.encode(encoding)))
        assert readings == [("P1", MARCH_US, 1.5)]

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_is_read_with_every_usual_delimiter(self, tmp_path: Path, delimiter: str) -> None:
        text = "三月报表\n时间,P1,P-2\n2026-03-01 00:00,1,2\n".replace(",", delimiter)
        readings, _ = read(text_file(tmp_path, text))
        assert readings == [("P1", MARCH_US, 1.0), ("P-2", MARCH_US, 2.0)]

    @pytest.mark.parametrize(
        ("text", "minutes"),
        [
            ("2026-03-01", 0),
            ("2026/3/1 8:05", 485),
            ("2026年3月1日 8:05", 485),
            ("2026年3月1日8时05分", 485),
            ("2026-03-01T08:05:00+08:00", 485),
            ("2026-03-01 00:05Z", 485),
            ("2026-03-01 24:00", 1440),
            ("2026-03-01 24:00:00", 1440),
        ],
    )
    def test_reads_times_with_the_year_first(self, tmp_path: Path, text: str, minutes: int) -> None:
        readings, _ = read(text_file(tmp_path, f"time,P1\n{text},1\n"))
        assert readings == [("P1", MARCH_US + minutes * MINUTE_US, 1.0)]

    @pytest.mark.parametrize(
        "text",
        ["3/1/26", "1.3.2026", "2026-02-29", "2026-13-01", "24:01", "2026-03-01 24:01",
         "2026-03-01 23:60", "2026-03-01 23:59:60", "1772294400", "yesterday", ""],
    )  # fmt: skip
    def test_refuses_every_other_time_with_its_line(self, tmp_path: Path, text: str) -> None:
        readings, reader = read(text_file(tmp_path, f"time,P1\n{text},1\n2026-03-01,2\n"))
        assert readings == [("P1", MARCH_US, 2.0)]
        assert [(cell.line, cell.value, cell.code) for cell in reader.tally.bad_cells] == [
            (2, text, "time")
        ]

    def test_says_whether_the_zone_was_assumed(self, tmp_path: Path) -> None:
        plain = guessed(text_file(tmp_path, "time,P1\n"))
        stated = guessed(text_file(tmp_path, "time [Europe/Berlin],P1\n"))
        assert (plain.zone_assumed, plain.file_map.time.zone) == (True, "Asia/Shanghai")
        assert (stated.zone_assumed, stated.file_map.time.zone) == (False, "Europe/Berlin")

    def test_converts_units_of_the_dimension_by_column_and_by_row(self, tmp_path: Path) -> None:
        wide, _ = read(text_file(tmp_path, "time,P1 [MWh],P-2（万度）\n2026-03-01,1.2,0.3\n"))
        long = "时间,测点,数值,单位\n2026-03-01,P1,1.2,MWh\n2026-03-01,P-2,7,kWh\n"
        assert [value for _, _, value in wide] == [1200.0, 3000.0]
        assert [value for _, _, value in read(text_file(tmp_path, long))[0]] == [1200.0, 7.0]

    def test_refuses_a_unit_of_another_dimension(self, tmp_path: Path) -> None:
        with pytest.raises(FileRefused, match="'kW' is power"):
            guessed(text_file(tmp_path, "time,P1 [kW]\n"))
        with pytest.raises(FileRefused, match="G1"):
            guessed(text_file(tmp_path, "time,G1 [m3]\n"))
        _, reader = read(text_file(tmp_path, "time,point,value,unit\n2026-03-01,G1,1,m3\n"))
        assert [cell.code for cell in reader.tally.bad_cells] == ["unit"]

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("", "no column of times"),
            ("P1,P-2\n1,2\n", "no column of times"),
            ("time\n2026-03-01\n", "no column of a point"),
            ("time,P-22\n", "did you mean"),
            ("time,P1,P1 [kWh]\n", "one point"),
            ("time,P1,P1\n", "one point"),
            ("time [Mars],P1\n", "zone 'Mars'"),
            (b"time,P1\n2026-03-01,\xff\xff\xff\n", "neither UTF-8 nor GB 18030"),
            (b"\x89PNG\r\n\x1a\n....", "picture"),
            (b"\xd0\xcf\x11\xe0....", "old or an encrypted Excel"),
            (b"time,P1\n\0\0", "no text"),
            (b"PK\x03\x04....", "Excel"),
        ],
    )
    def test_refuses_a_file_that_says_something_else(
        self, tmp_path: Path, content: str | bytes, reason: str
    ) -> None:
        with pytest.raises(FileRefused, match=reason) as refused:
            guessed(text_file(tmp_path, content))
        assert refused.value.zh

    def test_never_takes_a_comma_for_a_decimal_sign(self, tmp_path: Path) -> None:
        readings, reader = read(
            text_file(tmp_path, 'time;P1\n2026-03-01;1,5\n2026-03-01;"1,234"\n')
        )
        assert not readings
        assert [cell.code for cell in reader.tally.bad_cells] == ["type", "type"]

    def test_leaves_out_a_row_of_sums_and_blanks_but_never_as_zero(self, tmp_path: Path) -> None:
        text = "time,P1\n2026-03-01,\n2026-03-02,—\n2026-03-03,4\n合计,4\n"
        readings, reader = read(text_file(tmp_path, text))
        assert [value for _, _, value in readings] == [4.0]
        assert (reader.tally.missing_count, reader.tally.total_count) == (2, 1)
        assert not reader.tally.bad_count

    def test_stops_at_the_limit_of_rows(self, tmp_path: Path) -> None:
        path = text_file(tmp_path, "time,P1\n" + "2026-03-01,1\n" * 11)
        reader = RowReader(path, guessed(path).file_map, row_count_max=10)
        with pytest.raises(FileTooLarge, match="more than 10 rows"):
            list(reader.rows())

    def test_unpacks_no_more_than_it_may(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("services.files.source.UNPACKED_BYTES_MAX", 100_000)
        path = text_file(tmp_path, gzip.compress(b"time,P1\n" + b"\n" * 1_000_000))
        with pytest.raises(FileTooLarge, match="unpacked"):
            guessed(path)


class TestDoubledHour:
    MAP: ClassVar[dict[str, Any]] = {
        "time": {"column": "time", "format": "written", "zone": "America/Los_Angeles"},
        "points": [{"column": "P1", "point": "P1"}],
    }
    # 2018-11-04 09:00 UTC is the start of the second pass of the hour from 1 to 2.
    SECOND_US = 1_541_322_000_000_000

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_is_told_by_the_order_of_rows(self, tmp_path: Path, *, newest_first: bool) -> None:
        clock = [
            "0:45",
            "1:00",
            "1:15",
            "1:30",
            "1:45",
            "1:00",
            "1:15",
            "1:30",
            "1:45",
            "2:00",
            "2:15",
        ]
        rows = [f"2018-11-04 {at},{place}" for place, at in enumerate(clock)]
        text = "time,P1\n" + "\n".join(reversed(rows) if newest_first else rows)
        reader = RowReader(text_file(tmp_path, text), read_map(self.MAP, place="test"))
        found = {value: ts for row in reader.rows() for _, ts, value in row.readings}
        expected = {
            float(place): self.SECOND_US + (place - 5) * 15 * MINUTE_US for place in range(11)
        }
        assert found == expected

    def test_the_hour_that_is_skipped_is_refused(self, tmp_path: Path) -> None:
        path = text_file(tmp_path, "time,P1\n2018-03-11 02:30,1\n")
        reader = RowReader(path, read_map(self.MAP, place="test"))
        list(reader.rows())
        assert "does not exist" in reader.tally.bad_cells[0].reason


class TestWorkbook:
    def test_gives_the_same_readings_as_the_text(self, tmp_path: Path) -> None:
        rows = [
            ["时间 time [Asia/Shanghai]", "P1 [kWh]", "P-2 [MWh]"],
            [datetime(2026, 3, 1, 0, 15), 1.5, 0.1],  # noqa: DTZ001 - local
            ["2026/3/1 0:30", "2.5", ""],
            [46082.03125, 3.5, 12345678901],  # 00:45 as a serial date without a format
        ]
        readings, reader = read(workbook(tmp_path, rows))
        assert readings == [
            ("P1", MARCH_US + 15 * MINUTE_US, 1.5),
            ("P-2", MARCH_US + 15 * MINUTE_US, 100.0),
            ("P1", MARCH_US + 30 * MINUTE_US, 2.5),
            ("P1", MARCH_US + 45 * MINUTE_US, 3.5),
            ("P-2", MARCH_US + 45 * MINUTE_US, 12345678901000.0),
        ]
        assert (reader.tally.row_count, reader.tally.missing_count) == (3, 1)
        assert reader.read_bytes == reader.size_bytes

    def test_every_quarter_of_a_century_of_serial_dates_is_exact(self, tmp_path: Path) -> None:
        starts = [
            datetime(year, 7, 1, hour, 15)  # noqa: DTZ001 - local
            for year in (2000, 2026, 2099)
            for hour in range(24)
        ]
        readings, _ = read(workbook(tmp_path, [["time", "P1"], *([at, 1] for at in starts)]))
        expected = [round(at.replace(tzinfo=SHANGHAI).timestamp()) * 1_000_000 for at in starts]
        assert [ts for _, ts, _ in readings] == expected

    def test_counts_from_1904_where_the_workbook_does(self, tmp_path: Path) -> None:
        rows = [["time", "P1"], [datetime(2026, 3, 1), 1], [44620.0, 2]]  # noqa: DTZ001 - local
        readings, _ = read(workbook(tmp_path, rows, date_1904=True))
        assert [ts for _, ts, _ in readings] == [MARCH_US, MARCH_US]

    def test_errors_and_formulas_without_a_value_are_bad_cells(self, tmp_path: Path) -> None:
        path = tmp_path / "data.xlsx"
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            sheet.write_row("B2", ["time", "P1"])
            for row, (formula, value) in enumerate(
                [("=1/0", "#DIV/0!"), ("=C9*2", ""), ("=HYPERLINK(1)", "@x"), ("=1+1", 2)], 3
            ):
                sheet.write_string(f"B{row}", f"2026-03-0{row}")
                sheet.write_formula(f"C{row}", formula, None, value)
            sheet.write_boolean("C7", boolean=True)
            sheet.write_string("B7", "2026-03-07")
        readings, reader = read(path)
        assert [value for _, _, value in readings] == [2.0]
        assert [(cell.line, cell.value) for cell in reader.tally.bad_cells] == [
            (3, "#DIV/0!"),
            (4, "=…"),
            (5, "@x"),
            (7, "True"),
        ]

    def test_reads_the_first_sheet_that_is_shown_and_tells_of_merged_cells(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "data.xlsx"
        with xlsxwriter.Workbook(path) as book:
            hidden, shown = book.add_worksheet("旧"), book.add_worksheet("新")
            shown.activate()
            shown.set_first_sheet()
            hidden.hide()
            shown.write_row(0, 0, ["time", "P1"])
            shown.merge_range("A2:A3", "2026-03-01")
            shown.write_column("B2", [1, 2])
            shown.set_row(1, None, None, {"hidden": True})
        readings, reader = read(path)
        assert readings == [("P1", MARCH_US, 1.0)]
        assert [cell.line for cell in reader.tally.bad_cells] == [3]
        assert reader.source is not None
        assert reader.source.merged == ["A2:A3"]  # type: ignore[attr-defined]
        assert reader.source.inspection.hidden_row_count == 1  # type: ignore[attr-defined]

    def test_a_sheet_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        path = workbook(tmp_path, [["time", "P1"]])
        with pytest.raises(FileRefused, match="no sheet 'x'; it has 读数"):
            guess_map(path, units=UNITS, zone="UTC", sheet="x")


def altered(path: Path, **members: bytes) -> Path:
    """Replace or add members of an archive."""
    with zipfile.ZipFile(path) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    parts |= {name.replace("__", "/"): content for name, content in members.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


class TestHostileWorkbook:
    @pytest.fixture
    def good(self, tmp_path: Path) -> Path:
        return workbook(tmp_path, [["time", "P1"], ["2026-03-01", 1]])

    def test_that_unpacks_to_far_more_is_refused(self, good: Path) -> None:
        altered(good, **{"xl__media__a.bin": b"\0" * 150_000_000})
        with pytest.raises(FileTooLarge, match="unpacked"):
            guessed(good)

    def test_that_lies_about_its_size_is_refused(self, good: Path) -> None:
        altered(good, **{"xl__media__a.bin": b"\0" * 150_000_000})
        content = good.read_bytes()
        # In the directory and before the member.
        lie = content.replace((150_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
        assert lie != content
        good.write_bytes(lie)
        with pytest.raises(FileTooLarge, match="unpacked"):
            guessed(good)

    def test_with_one_cell_far_away_is_refused(self, good: Path) -> None:
        sheet = (
            b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            b'<sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
            b"<row r='1048576'><c r='XFD1048576'><v>1</v></c></row></sheetData></worksheet>"
        )
        altered(good, **{"xl__worksheets__sheet1.xml": sheet})
        with pytest.raises(FileTooLarge, match="cells"):
            guessed(good)

    def test_with_entities_is_refused(self, good: Path) -> None:
        bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><sst>&b;</sst>'
        altered(good, **{"xl__sharedStrings.xml": bomb})
        with pytest.raises(FileRefused, match="entities"):
            guessed(good)

    @pytest.mark.parametrize(
        "member", ["xl__vbaProject.bin", "xl__externalLinks__a.xml", "xl__embeddings__a.bin"]
    )
    def test_with_more_than_cells_is_refused(self, good: Path, member: str) -> None:
        altered(good, **{member: b"x"})
        with pytest.raises(FileTypeRefused):
            guessed(good)

    def test_that_is_another_archive_is_refused(self, tmp_path: Path) -> None:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("../../etc/cron.d/x", "x")
        with pytest.raises(FileTypeRefused, match="no Excel file"):
            guessed(text_file(tmp_path, content.getvalue()))

    def test_with_too_many_parts_is_refused(self, good: Path) -> None:
        altered(good, **{f"x__{number}": b"" for number in range(10_001)})
        with pytest.raises(FileTooLarge, match="parts"):
            guessed(good)

    def test_that_is_cut_is_refused(self, good: Path) -> None:
        content = good.read_bytes()
        for length in range(4, len(content), 97):
            good.write_bytes(content[:length])
            with pytest.raises(FileRefused):
                guessed(good)
