"""What EMQX Neuron sends: its values, tags and ECP formats. A point is `node/group/tag`.

Source: neuron-docs, configuration/north-apps/mqtt/api.md. ECP is the tags format with a `type`
beside each value. An error code in place of a value is a reading without a value.
"""

from math import nan

import msgspec
from msgspec import UNSET, UnsetType

from compute.quality import Quality
from ingest.decode.codes import Code
from ingest.decode.fields import (
    READING_COUNT_MAX,
    REPEATED_NAME,
    Columns,
    clean_name,
    count_readings,
    need_stamp_us,
    need_text,
    pairs_of,
    reading_value,
    stamp_us,
)
from ingest.decode.plain import holds_strings, is_plain, plain_names, without_negative_zero
from ingest.decode.strict_json import Document, Fault, Refused, kind_of, load, repeated_names, show
from ingest.reading import WHOLE, Decoded, Rejection

_SOURCE_BAD = int(Quality.SOURCE_BAD)


class _Tag(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str
    value: float | UnsetType = UNSET
    error: int | UnsetType = UNSET
    type: int | UnsetType = UNSET


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    timestamp: int
    node: str
    group: str
    values: dict[str, float] | UnsetType = UNSET
    errors: dict[str, int] | UnsetType = UNSET
    metas: dict[str, float] | UnsetType = UNSET
    tags: list[_Tag] | UnsetType = UNSET


_decoder = msgspec.json.Decoder(_Message)


def decode_fast(payload: bytes) -> Decoded | None:
    """Return the columns of a payload without any fault, or None where there may be one."""
    if not is_plain(payload):
        return None
    try:
        message = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    ts_us = stamp_us(message.timestamp)
    head = plain_names(payload, [message.node, message.group])
    if isinstance(ts_us, Fault) or head is None or message.metas:
        return None
    found = (
        _fast_values(payload, message) if message.tags is UNSET else _fast_tags(payload, message)
    )
    if found is None:
        return None
    tags, values, quality = found
    count = len(tags)
    prefix = f"{head[0]}/{head[1]}/"
    names = plain_names(payload, tags) and plain_names(payload, [prefix + tag for tag in tags])
    if not names:
        return None
    return Decoded(
        name=names,
        ts_us=[ts_us] * count,
        value=without_negative_zero(payload, values),
        quality=quality,
        item=range(count),
        item_count=count,
    )


_Found = tuple[list[str], list[float], list[int]]


def _fast_values(payload: bytes, message: _Message) -> _Found | None:
    if message.values is UNSET:
        return None
    errors = message.errors or {}
    count = len(message.values) + len(errors)
    # timestamp, node, its text, group, its text, values; errors, metas where they are; the tags.
    key_count = 6 + (message.errors is not UNSET) + (message.metas is not UNSET)
    if not 1 <= count <= READING_COUNT_MAX or not holds_strings(payload, key_count + count):
        return None
    return (
        [*message.values, *errors],
        [*message.values.values(), *[nan] * len(errors)],
        [0] * len(message.values) + [_SOURCE_BAD] * len(errors),
    )


def _fast_tags(payload: bytes, message: _Message) -> _Found | None:
    tags = message.tags or []
    if message.values is not UNSET or message.errors is not UNSET:
        return None
    values = [tag.value for tag in tags if tag.value is not UNSET and tag.error is UNSET]
    bad_count = sum(tag.error is not UNSET and tag.value is UNSET for tag in tags)
    type_count = sum(tag.type is not UNSET for tag in tags)
    count = len(tags)
    # timestamp, node, its text, group, its text, tags; metas; of each tag name, its text, value
    # or error, and type.
    string_count = 6 + (message.metas is not UNSET) + 3 * count + type_count
    if (
        len(values) + bad_count != count
        or not 1 <= count <= READING_COUNT_MAX
        or not holds_strings(payload, string_count)
    ):
        return None
    names = [tag.name for tag in tags]
    if not bad_count:
        return names, values, [0] * count
    return (
        names,
        [nan if tag.value is UNSET else tag.value for tag in tags],
        [_SOURCE_BAD if tag.value is UNSET else 0 for tag in tags],
    )


def decode_strict(payload: bytes) -> Decoded:
    """Return the columns of a payload, and the reason for everything that is not in them."""
    decoded = Decoded()
    try:
        _fill(decoded, load(payload))
    except Refused as refused:
        decoded.rejected.append(Rejection(WHOLE, refused.code, refused.detail))
    return decoded


def _fill(decoded: Decoded, document: Document) -> None:
    root = document.root
    document.refuse_repeated(root.get("values"), root.get("errors"))
    is_tags = "tags" in root
    if is_tags and ("values" in root or "errors" in root):
        raise Refused(Code.DUPLICATE_KEY, "tags beside values or errors; send one of the formats")
    if not is_tags and "values" not in root and "errors" not in root:
        raise Refused(Code.MISSING_FIELD, "neither values nor tags is there; send one of them")
    columns = Columns()
    if is_tags:
        _fill_tags(decoded, columns, document)
    else:
        _fill_values(decoded, columns, document)
    columns.give_to(decoded)


def _fill_values(decoded: Decoded, columns: Columns, document: Document) -> None:
    values = pairs_of(document.root.get("values", {}), "values")
    errors = pairs_of(document.root.get("errors", {}), "errors")
    count_readings(decoded, len(values) + len(errors), "values")
    prefix, ts_us = _prefix(document), need_stamp_us(document, "timestamp")
    for key, pairs, first in (("values", values, 0), ("errors", errors, len(values))):
        twice = repeated_names(pairs)
        for item, (tag, value) in enumerate(pairs, start=first):
            place = f"{key}[{show(tag)}]"
            if tag in twice:
                columns.refuse(item, place, REPEATED_NAME)
            elif key == "errors":
                _add_error(columns, item, place, name=_name(prefix, tag), ts_us=ts_us, error=value)
            else:
                columns.add(
                    item, place, name=_name(prefix, tag), ts_us=ts_us, value=reading_value(value)
                )


def _fill_tags(decoded: Decoded, columns: Columns, document: Document) -> None:
    tags = document.root["tags"]
    if not isinstance(tags, list):
        raise Refused(Code.TYPE, f"tags is {kind_of(tags)}; send a list")
    count_readings(decoded, len(tags), "tags")
    prefix, ts_us = _prefix(document), need_stamp_us(document, "timestamp")
    for item, tag in enumerate(tags):
        place = f"tags[{item}]"
        if not isinstance(tag, dict):
            fault = Fault(Code.TYPE, f"is {kind_of(tag)}; send an object")
            columns.refuse(item, place, fault)
        elif "name" not in tag or not ("value" in tag or "error" in tag):
            fault = Fault(Code.MISSING_FIELD, "needs name, and value or error; send them")
            columns.refuse(item, place, fault)
        else:
            name = _name(prefix, tag["name"])
            if "error" not in tag or ("value" in tag and _is_success(tag["error"])):
                value = reading_value(tag["value"])
                columns.add(item, place, name=name, ts_us=ts_us, value=value)
            else:
                _add_error(columns, item, place, name=name, ts_us=ts_us, error=tag["error"])


def _add_error(
    columns: Columns, item: int, place: str, *, name: str | Fault, ts_us: int, error: object
) -> None:
    value: float | Fault = nan
    if not isinstance(error, int) or isinstance(error, bool):
        value = Fault(Code.TYPE, f"the error is {kind_of(error)}; send an integer code")
    columns.add(item, place, name=name, ts_us=ts_us, value=value, quality=_SOURCE_BAD)


def _is_success(error: object) -> bool:
    return error == 0 and isinstance(error, int) and not isinstance(error, bool)


def _prefix(document: Document) -> str:
    return f"{need_text(document, 'node')}/{need_text(document, 'group')}/"


def _name(prefix: str, tag: object) -> str | Fault:
    cleaned = clean_name(tag)
    return cleaned if isinstance(cleaned, Fault) else clean_name(prefix + cleaned)
