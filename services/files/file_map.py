"""The map of a file: which column is which point, and what its times mean."""

import difflib
import string
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from compute.errors import NengtanError

Texts: TypeAlias = tuple[Annotated[str, Field(min_length=1)], ...]

EPOCH_FORMATS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}  # µs in one unit
# Year first, so that no day is taken for a month: 2026-3-1 8:00, 2026/03/01, 2026年3月1日 8:00:05.
WRITTEN = "written"
# Days since the end of 1899, as a spreadsheet counts them.
EXCEL = "excel"
_ALONE = ("iso", WRITTEN, EXCEL, *EPOCH_FORMATS)
MISSING = ("", "-", "—", "NA", "N/A", "NaN", "nan", "null", "NULL", "无")


class MapRefused(NengtanError):
    """A map cannot be used; the message lists every fault with its place."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TimeMap(_Part):
    """Where the time of a row stands and how it is read.

    `stamp` records whether the file stamps a period at its start or its end. The stamp is sent
    as it is: the point of the plant has the same setting, and it alone moves the value.
    `fold` chooses between the two passes of a local time that occurs twice: by the order of the
    rows, always the first or always the second. `midnight: end_of_date` is for files in which the
    row "2018-01-01 00:00" ends that date, so that it is the midnight of the day after.
    """

    column: Texts  # several are joined by a blank, such as a date and a time
    format: Texts = ("iso",)  # strptime formats, or one of `_ALONE`
    zone: str | None = None
    stamp: Literal["start", "end"] = "start"
    fold: Literal["by_order", "first", "second"] = "by_order"
    midnight: Literal["start", "end_of_date"] = "start"

    @field_validator("column", "format", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError) as fault:
                raise ValueError(
                    f"zone {value!r} is unknown; give an IANA name such as Asia/Shanghai"
                ) from fault
        return value

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if not self.column or not self.format:
            raise ValueError("column and format need at least one entry")
        special = [text for text in self.format if text in _ALONE]
        if special and len(self.format) > 1:
            raise ValueError(f"format {special[0]!r} stands alone, not in a list")
        epoch = self.format[0] in EPOCH_FORMATS
        if epoch and self.midnight == "end_of_date":
            raise ValueError("midnight: end_of_date needs a written date, not an epoch")
        for text in self.format:
            if not special and "%" not in text:
                known = ", ".join(_ALONE)
                raise ValueError(f"format {text!r} is neither a strptime format nor one of {known}")
            if not special:
                _check_form(text)
            if not (special or self.zone or "%z" in text):
                raise ValueError(f"format {text!r} has no %z; give the zone of the file")
        return self


def _check_form(form: str) -> None:
    """Refuse a strptime format that Python does not know, or that does not give a date."""
    sample = datetime(2001, 2, 3, 4, 5, tzinfo=UTC)
    try:
        read_back = datetime.strptime(sample.strftime(form), form)  # noqa: DTZ007 - the date counts
    except ValueError as fault:
        raise ValueError(f"format {form!r}: {fault}") from fault
    if read_back.date() != sample.date():
        raise ValueError(f"format {form!r} does not give year, month and day")


class PointMap(_Part):
    """One column of values and the point it belongs to.

    `{key}` in `point` stands for the cell of the key column; `{key:0>2}` pads it. `scale`
    multiplies in decimal arithmetic, rounded once. `missing` replaces the file's list.
    """

    column: str
    point: Annotated[str, Field(min_length=1)]
    scale: Decimal | None = None
    missing: tuple[str, ...] | None = None

    @field_validator("point")
    @classmethod
    def _only_the_key(cls, value: str) -> str:
        for _, name, _, conversion in string.Formatter().parse(value):
            if name not in {None, "key"} or conversion:
                raise ValueError(f"point {value!r}: only {{key}} can stand in braces")
        return value

    @property
    def uses_key(self) -> bool:
        """Whether the name of the point depends on the key column."""
        return any(name == "key" for _, name, _, _ in string.Formatter().parse(self.point))


class FileMap(_Part):
    """The whole map. The address is for a replay, and may be given on the command line instead."""

    tenant: str | None = None
    site: str | None = None
    gateway: str | None = None
    time: TimeMap
    key: str | None = None  # the column that names the meter, in files of the long form
    unit: str | None = None  # the column that names the unit of the row, in such files
    sheet: str | None = None  # of a workbook; else the first that is not hidden
    points: Annotated[tuple[PointMap, ...], Field(min_length=1)]
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    encoding: str = "utf-8"
    skip_rows: Annotated[int, Field(ge=0, le=1_000)] = 0  # lines above the header
    missing: tuple[str, ...] = MISSING
    order: Literal["auto", "ascending", "descending"] = "auto"  # of the rows, for `fold: by_order`

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError as fault:
            raise ValueError(f"encoding {value!r} is unknown; try utf-8 or gb18030") from fault
        return value

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}")
        if self.delimiter in '\r\n"':
            raise ValueError(f"delimiter {self.delimiter!r} cannot part cells")
        uses_key = [point.point for point in self.points if point.uses_key]
        if self.key is None and uses_key:
            raise ValueError(f"point {uses_key[0]!r} needs `key`, the column that names the meter")
        if self.unit is not None and self.key is None:
            raise ValueError("`unit`, a column of units, needs `key`: else give `scale` by point")
        if self.key is not None and len(uses_key) < len(self.points):
            plain = next(point.point for point in self.points if not point.uses_key)
            raise ValueError(f"point {plain!r} would be one for all of {self.key!r}; add {{key}}")
        names = [point.point for point in self.points]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"point {name!r} is given twice")
        return self


def load_map(path: Path) -> FileMap:
    """Read a map from a YAML file, or refuse it with all its faults."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506 - a SafeLoader
    except OSError as fault:
        raise MapRefused(f"map {path}: {fault.strerror}; name a readable YAML file") from fault
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise MapRefused(f"map {path} is not YAML in UTF-8: {fault}") from fault
    return read_map(document, place=str(path))


def read_map(document: object, *, place: str) -> FileMap:
    """Check a map that is already parsed; `place` names it in the faults."""
    try:
        return FileMap.model_validate(document)
    except ValidationError as faults:
        lines = [_sentence(fault) for fault in faults.errors()]
        raise MapRefused(f"map {place}: " + "; ".join(lines)) from faults


def _sentence(fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    location = fault["loc"]
    where = ".".join(str(step) for step in location) or "the whole"
    if fault["type"] != "extra_forbidden":
        return f"{where}: {fault['msg'].removeprefix('Value error, ')}"
    part: type[BaseModel] = FileMap
    if location[0] == "time":
        part = TimeMap
    elif location[0] == "points":
        part = PointMap
    near = difflib.get_close_matches(str(location[-1]), part.model_fields, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(part.model_fields)}"
    return f"{where}: unknown key; {hint}"


class _UniqueKeys(yaml.SafeLoader):
    """YAML that refuses a key given twice, of which the plain loader keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - yaml's signature
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(key_node.value)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)
