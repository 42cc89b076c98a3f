"""The catalogue of reasons for which a decoder refuses a message or one of its readings."""

from collections.abc import Mapping
from enum import StrEnum


class Code(StrEnum):
    """What a receipt, the quarantine and the counters call a reason."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    FORMAT = "format"
    ENCODING = "encoding"
    JSON = "json"
    DEPTH = "depth"
    DUPLICATE_KEY = "duplicate_key"
    MISSING_FIELD = "missing_field"
    TYPE = "type"
    STATUS = "status"
    NONFINITE = "nonfinite"
    RANGE = "range"
    PRECISION = "precision"
    TIME = "time"
    TEXT = "text"
    NUL = "nul"


# 中文, English: what a person reads beside the detail.
MEANING: Mapping[Code, tuple[str, str]] = {
    Code.EMPTY: ("报文为空", "The message says nothing"),
    Code.TOO_LARGE: ("报文超过大小上限", "The message is larger than the limit"),
    Code.TOO_MANY: ("读数条数超过上限，请拆分", "Too many readings in one message: split it"),
    Code.FORMAT: ("不是 JSON（如压缩或二进制）", "Not JSON (compressed or binary)"),
    Code.ENCODING: ("不是有效的 UTF-8 文本", "Not valid UTF-8 text"),
    Code.JSON: ("JSON 语法错误", "Broken JSON"),
    Code.DEPTH: ("嵌套层数过深", "Nested too deeply"),
    Code.DUPLICATE_KEY: ("同一键出现两次", "The same key appears twice"),
    Code.MISSING_FIELD: ("缺少必填字段", "A required field is missing"),
    Code.TYPE: ("数据类型不符", "Of the wrong type"),
    Code.STATUS: ("设备状态不在表中", "Not a status of the table"),
    Code.NONFINITE: ("不是有限数", "Not a finite number"),
    Code.RANGE: ("数值超出可接受范围", "Beyond the range that can be taken"),
    Code.PRECISION: ("位数过多，无法无损保存", "More digits than can be kept exactly"),
    Code.TIME: ("时间无效", "Not a valid time"),
    Code.TEXT: ("名称含不允许的字符或过长", "A name has characters or a length not allowed"),
    Code.NUL: ("名称含空字符 U+0000", "A name holds the character U+0000"),
}
