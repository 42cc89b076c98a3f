"""YAML and JSON as plain data, with the faults of the text itself.

Only what every reader of YAML agrees about is taken: `yes` is no truth value here and `1e3` no
number, nor are they silently text. Tags, duplicate keys and second documents are refused, and an
alias counts as much as what it stands for.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import yaml

from services.plant.findings import Finding, Place, PlantInvalid, finding

SIZE_BYTES_MAX = 5_000_000
_DEPTH_MAX = 16
_VALUE_COUNT_MAX = 500_000
_NUMBER_LENGTH_MAX = 64  # of what may be meant as a number; bounds the work of the patterns

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})?\.[0-9]{1,20}([eE][-+][0-9]{1,3})?")
# YAML 1.1 and 1.2 differ on these: words of truth, octal, underscores, exponents, infinities.
_AMBIGUOUS = re.compile(
    r"y|n|Y|N|(?i:yes|no|on|off)|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    r"|[-+]?0[0-9_]+|[-+]?0[xob][0-9a-fA-F_]+|[-+]?[0-9][0-9_]*_[0-9_.]*"
    r"|[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+|[-+]?[0-9]+\."
    r"|[-+]?[0-9]{19,}(\.[0-9]*)?"
)


@dataclass(slots=True)
class Source:
    """A document as plain data, its faults so far, and the lines of its parts."""

    data: object = None
    findings: list[Finding] = field(default_factory=list)
    lines: dict[Place, int] = field(default_factory=dict)

    def located(self, item: Finding) -> Finding:
        """Return a finding with the line of its place, or of the nearest place around it."""
        place = item.place
        while item.line is None and place not in self.lines and place:
            place = place[:-1]
        return replace(item, line=item.line or self.lines.get(place))


def read_json(content: bytes | str) -> Source:
    """Return a JSON document as plain data.

    Raises
    ------
    PlantInvalid
        If the text cannot be parsed at all.
    """
    text = _text(content)
    try:
        data = json.loads(text, object_pairs_hook=_Object, parse_constant=_no_constant)
    except RecursionError:
        _refuse(finding("too_deep", (), limit=_DEPTH_MAX))
    except json.JSONDecodeError as error:
        _refuse(finding("syntax", (), line=error.lineno, problem=error.msg))
    except ValueError as error:  # a constant such as NaN, or a number of thousands of digits
        _refuse(finding("syntax", (), problem=str(error)))
    tidy, findings = _tidy_json(data)
    return Source(data=tidy, findings=findings)


def read_yaml(content: bytes | str) -> Source:
    """Return a YAML document as plain data.

    Raises
    ------
    PlantInvalid
        If the text cannot be parsed at all.
    """
    builder = _Builder()
    text = _text(content)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        line = _line(error.problem_mark)
        code = "tab" if _is_indented_by_tab(text, line) else "syntax"
        _refuse(finding(code, (), line=line, problem=str(error.problem)))
    except yaml.YAMLError as error:  # a character that YAML does not allow
        _refuse(finding("syntax", (), problem=str(error)))
    return builder.source


def _text(content: bytes | str) -> str:
    size = len(content) if isinstance(content, bytes) else len(content.encode(errors="replace"))
    if size > SIZE_BYTES_MAX:
        _refuse(finding("too_large", (), limit=SIZE_BYTES_MAX))
    if isinstance(content, str):
        return content.removeprefix("\ufeff")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        _refuse(finding("encoding", ()))


def _is_indented_by_tab(text: str, line: int | None) -> bool:
    rows = text.splitlines()
    row = rows[line - 1] if line is not None and line <= len(rows) else ""
    return "\t" in row[: len(row) - len(row.lstrip())]


def _refuse(fault: Finding) -> NoReturn:
    raise PlantInvalid([fault])


def _line(mark: Any) -> int | None:  # noqa: ANN401 - one of two classes, by the parser in use
    return None if mark is None else int(mark.line) + 1


def _no_constant(name: str) -> NoReturn:
    message = f"{name} is not a number"
    raise ValueError(message)


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys stood twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(reversed(pairs))  # the first of two stands
        counts = Counter(key for key, _ in pairs)
        self.duplicates = [key for key, count in counts.items() if count > 1]


def _tidy_json(data: object) -> tuple[object, list[Finding]]:
    """Return parsed JSON with its duplicate keys and lone surrogates found.

    A lone surrogate is replaced, so that the rest of the document can still be checked.
    """
    findings: list[Finding] = []
    top: list[object] = [data]
    stack: list[tuple[Place, Any, Any]] = [((), top, 0)]
    count = 0
    while stack:
        count += 1
        if count > _VALUE_COUNT_MAX:
            _refuse(finding("too_many", (), limit=_VALUE_COUNT_MAX))
        place, parent, key = stack.pop()
        value = parent[key]
        if len(place) > _DEPTH_MAX:
            _refuse(finding("too_deep", place[:_DEPTH_MAX], limit=_DEPTH_MAX))
        if isinstance(value, _Object):
            findings.extend(finding("duplicate_key", (*place, k), k) for k in value.duplicates)
            stack.extend(((*place, k), value, k) for k in value)
        elif isinstance(value, list):
            stack.extend(((*place, i), value, i) for i in reversed(range(len(value))))
        elif isinstance(value, str) and (lone := _SURROGATE.search(value)):
            character = f"U+{ord(lone[0]):04X}"
            findings.append(finding("text_hidden", place, character=character))
            parent[key] = _SURROGATE.sub("\ufffd", value)
    return top[0], findings


@dataclass(slots=True)
class _Frame:
    """A list or mapping of a YAML document that has begun and not ended."""

    container: Any
    place: Place
    anchor: str | None
    count_before: int
    key: str | None = None
    is_skipped: bool = False  # the value of a key that stood before


class _Builder:
    """Builds plain data from the events of a YAML parser, within bounds."""

    def __init__(self) -> None:
        self.source = Source()
        self._frames: list[_Frame] = []
        self._anchored: dict[str, tuple[object, int]] = {}
        self._count = 0
        self._document_count = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        line = _line(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self._document_count += 1
            if self._document_count > 1:
                _refuse(finding("documents", (), line=line))
        elif isinstance(event, yaml.CollectionEndEvent):
            frame = self._frames.pop()
            if frame.anchor:
                size = self._count - frame.count_before + 1
                self._anchored[frame.anchor] = (frame.container, size)
        elif isinstance(event, yaml.NodeEvent):
            self._take_node(event, line)

    def _take_node(self, event: yaml.NodeEvent, line: int | None) -> None:
        frame = self._frames[-1] if self._frames else None
        if frame and isinstance(frame.container, dict) and frame.key is None:
            self._take_key(frame, event, line)
            return
        place = self._place(frame)
        self._note_line(place, line)
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            self.source.findings.append(finding("tag", place, tag, line=line))
        value = self._value(event, place)
        if self._count > _VALUE_COUNT_MAX:
            _refuse(finding("too_many", place, line=line, limit=_VALUE_COUNT_MAX))
        self._put(frame, value)
        if isinstance(event, yaml.CollectionStartEvent):
            if len(self._frames) >= _DEPTH_MAX:
                _refuse(finding("too_deep", place, line=line, limit=_DEPTH_MAX))
            self._frames.append(_Frame(value, place, event.anchor, self._count))

    def _take_key(self, frame: _Frame, event: yaml.NodeEvent, line: int | None) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            _refuse(finding("key", frame.place, line=line))
        frame.key = event.value
        place = (*frame.place, event.value)
        frame.is_skipped = event.value in frame.container
        if frame.is_skipped:
            self.source.findings.append(finding("duplicate_key", place, event.value, line=line))
        self._note_line(place, line)

    def _note_line(self, place: Place, line: int | None) -> None:
        if line is not None:
            self.source.lines.setdefault(place, line)

    def _place(self, frame: _Frame | None) -> Place:
        if frame is None:
            return ()
        if isinstance(frame.container, list):
            return (*frame.place, len(frame.container))
        return (*frame.place, str(frame.key))

    def _put(self, frame: _Frame | None, value: object) -> None:
        if frame is None:
            self.source.data = value
        elif isinstance(frame.container, list):
            frame.container.append(value)
        else:
            if not frame.is_skipped:
                frame.container[frame.key] = value
            frame.key = None

    def _value(self, event: yaml.NodeEvent, place: Place) -> object:
        if isinstance(event, yaml.AliasEvent):
            value, size = self._anchored.get(str(event.anchor), (None, 0))
            self._count += size
            if not size:
                self.source.findings.append(finding("alias", place, f"*{event.anchor}"))
            return value
        self._count += 1
        if isinstance(event, yaml.SequenceStartEvent):
            return []
        if isinstance(event, yaml.MappingStartEvent):
            return {}
        value = self._scalar(event, place)
        if event.anchor:
            self._anchored[event.anchor] = (value, 1)
        return value

    def _scalar(self, event: yaml.NodeEvent, place: Place) -> object:
        text = str(getattr(event, "value", ""))
        if getattr(event, "style", None):  # quoted or a block: text
            return text
        if text in _WORDS:
            return _WORDS[text]
        if len(text) > _NUMBER_LENGTH_MAX:
            return text
        if _WHOLE.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            return float(text)
        if _AMBIGUOUS.fullmatch(text):
            self.source.findings.append(finding("ambiguous", place, text))
        return text
