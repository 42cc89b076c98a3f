"""A plant description from YAML or JSON: read strictly, with every fault found at once."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from services.plant.check import check
from services.plant.check_tariff import version_findings
from services.plant.findings import (
    FINDING_COUNT_MAX,
    Finding,
    Nearest,
    Place,
    PlantInvalid,
    finding,
    limited,
)
from services.plant.model import Plant
from services.plant.syntax import Source, read_json, read_yaml
from services.plant.tariff import TariffVersion

Form = Literal["yaml", "json"]
Document = TypeVar("Document", bound=BaseModel)

# What pydantic calls a fault of shape, and what we call it.
_CODE_BY_TYPE: Mapping[str, str] = {
    "extra_forbidden": "unknown_key",
    "missing": "missing",
    "string_type": "not_text",
    "int_type": "not_whole",
    "int_from_float": "not_whole",
    "int_parsing_size": "not_whole",
    "float_type": "not_number",
    "finite_number": "not_number",
    "bool_type": "not_boolean",
    "tuple_type": "not_list",
    "model_type": "not_mapping",
    "model_attributes_type": "not_mapping",
    "literal_error": "choice",
    "string_pattern_mismatch": "code_form",
    "too_short": "length",
    "too_long": "length",
    "string_too_short": "length",
    "string_too_long": "length",
    "greater_than": "range",
    "greater_than_equal": "range",
    "less_than": "range",
    "less_than_equal": "range",
    "code_dots": "code_dots",
    "text_hidden": "text_hidden",
    "text_blank": "text_blank",
    "day_form": "day_form",
    "clock_form": "clock_form",
    "month_day_form": "month_day_form",
    "duration_form": "duration_form",
    "instant_form": "instant_form",
    "instant_range": "instant_range",
}
_CODE_BY_KEY: Mapping[str | int, str] = {"region": "region_form", "day_start": "clock_form"}
_BOUND_WORDS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
# Stand-ins for faulty parts of the top level, so that the rest can be checked in the same round.
_STAND_IN: Mapping[str, object] = {
    "schema": "nengtan.plant/1",
    "tenant": "unknown",
    "site": "unknown",
    "name": {"zh": "?", "en": "?"},
    "valid_from": "2000-01-01T00:00:00Z",
    "time_zone": "UTC",
    "region": "CN",
}


def read_plant(content: bytes | str, *, form: Form) -> Plant:
    """Return the plant that a document describes.

    Parameters
    ----------
    content : bytes or str
        UTF-8 text of one document, at most 5 MB.
    form : "yaml" or "json"

    Returns
    -------
    plant : Plant
        Without errors; `services.plant.check.check` has its warnings.

    Raises
    ------
    PlantInvalid
        With every finding, warnings included.
    """
    source = read_yaml(content) if form == "yaml" else read_json(content)
    plant, findings = _examine(source)
    if plant is None:
        raise PlantInvalid(findings)
    return plant


def examine(content: bytes | str, *, form: Form) -> tuple[Finding, ...]:
    """Return everything there is to say of a document, errors first, without raising."""
    try:
        source = read_yaml(content) if form == "yaml" else read_json(content)
    except PlantInvalid as invalid:
        return invalid.findings
    return _examine(source)[1]


def _examine(source: Source) -> tuple[Plant | None, tuple[Finding, ...]]:
    """Return the plant, unless there are errors, and all findings with their lines."""
    found = list(source.findings)
    try:
        plant = Plant.model_validate_json(json.dumps(source.data))
        found.extend(check(plant))
    except ValidationError as invalid:
        plant = None
        # More than can be listed are not looked into.
        errors = invalid.errors(include_url=False, include_input=False)[: 2 * FINDING_COUNT_MAX]
        said = {item.place for item in found}  # `1e3` is no number, and its spelling says why
        found.extend(
            item for item in _shape_findings(errors, source.data) if item.place not in said
        )
        if len(errors) < FINDING_COUNT_MAX:
            found.extend(_check_the_rest(source.data, [error["loc"] for error in errors]))
    findings = limited([source.located(item) for item in found])
    sound = all(item.severity != "error" for item in findings)
    return plant if sound else None, findings


def read_document(
    content: bytes | str,
    *,
    form: Form,
    model: type[Document],
    check: Callable[[Document], Iterable[Finding]],
) -> Document:
    """Return the record that a document is.

    Parameters
    ----------
    content : bytes or str
        UTF-8 text of one document, at most 5 MB.
    form : "yaml" or "json"
    model : type
        Of the record.
    check : callable
        What there is to find in one whose shape is right.

    Raises
    ------
    PlantInvalid
        With every finding, warnings included.
    """
    source = read_yaml(content) if form == "yaml" else read_json(content)
    found = list(source.findings)
    document: Document | None = None
    try:
        document = model.model_validate_json(json.dumps(source.data))
        found.extend(check(document))
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_input=False)
        found.extend(_shape_findings(errors, source.data, model=model))
    findings = limited([source.located(item) for item in found])
    if document is None or any(item.severity == "error" for item in findings):
        raise PlantInvalid(findings)
    return document


def read_tariff_version(content: bytes, *, carrier: str, minutes: int) -> TariffVersion:
    """Return the version of a tariff that a JSON document is.

    Parameters
    ----------
    content : bytes
    carrier : str
        What it is the price of.
    minutes : int
        Base interval of the site. [min]

    Raises
    ------
    PlantInvalid
        With every finding, warnings included.
    """

    def check_version(version: TariffVersion) -> Iterator[Finding]:
        return version_findings(version, (), carrier=carrier, minutes=minutes)

    return read_document(content, form="json", model=TariffVersion, check=check_version)


def _shape_findings(
    errors: Sequence[ErrorDetails], data: object, *, model: type[BaseModel] = Plant
) -> Iterator[Finding]:
    nearest = Nearest()
    around = {error["loc"][:depth] for error in errors for depth in range(len(error["loc"]))}
    for error in errors:
        if error["type"] == "too_short" and error["loc"] in around:
            continue  # pydantic counts the sound items only; the others have been reported
        place, context = error["loc"], error.get("ctx", {})
        value = _value_at(data, place)
        code = _CODE_BY_TYPE.get(error["type"], "invalid")
        facts: dict[str, Any] = {"problem": error["msg"], **context}
        near: str | None = None
        if code == "code_form":
            code = _CODE_BY_KEY.get(place[-1], code)
        if code == "unknown_key":
            value, near = str(place[-1]), nearest.of(place[-1], _keys_at(place[:-1], model))
        elif code == "choice":
            facts["choices"] = context["expected"]
            near = nearest.of(value, [word.strip("' ") for word in _choices(context["expected"])])
        elif code in {"range", "length"}:
            facts["bound"] = _bound(context)
        yield finding(code, place, value, nearest=near, **facts)


def _choices(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").split(", ")


def _bound(context: Mapping[str, object]) -> str:
    words = [f"{sign} {context[key]}" for key, sign in _BOUND_WORDS.items() if key in context]
    if "min_length" in context:
        words.append(f"≥ {context['min_length']}")
    if "max_length" in context:
        words.append(f"≤ {context['max_length']}")
    return ", ".join(words)


def _value_at(data: object, place: Place) -> object:
    """Return what stands at a place, None if nothing does."""
    for step in place:
        if isinstance(data, dict) and isinstance(step, str):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def _keys_at(place: Place, model: type[BaseModel]) -> list[str]:
    """Return the keys that a model knows at a place."""
    for step in place:
        if isinstance(step, str):
            fields = {field.alias or name: field for name, field in model.model_fields.items()}
            model = next(_models_in(fields[step].annotation))
    return [field.alias or name for name, field in model.model_fields.items()]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - a type expression
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _check_the_rest(data: object, faulty: Sequence[Place]) -> Iterator[Finding]:
    """Yield the errors between the parts of a document whose shape is right.

    Items with a fault of shape are left out and their codes still count as known. Warnings wait:
    what is left out would cause them.
    """
    if not isinstance(data, dict):
        return
    sound, kept = _without(data, faulty)
    try:
        plant = Plant.model_validate_json(json.dumps(sound))
    except ValidationError:
        return  # a fault of the document as a whole, already reported
    reported = set(faulty)
    for item in check(plant, also_known=_codes_in(data)):
        if item.severity == "error":
            place = _original(item.place, kept)
            if not any(place[:depth] in reported for depth in range(1, len(place) + 1)):
                yield Finding(**{**_fields(item), "place": place})


def _fields(item: Finding) -> dict[str, Any]:
    return {name: getattr(item, name) for name in Finding.__slots__}


def _without(
    data: Mapping[str, object], faulty: Sequence[Place]
) -> tuple[dict[str, object], dict[Place, list[int]]]:
    """Return the document without faulty keys and items, and the positions of those kept."""
    dropped = {fault[:2] for fault in faulty if len(fault) > 1 and isinstance(fault[1], int)}
    kept: dict[Place, list[int]] = {}
    sound: dict[str, object] = {}
    known = _keys_at((), Plant)
    for key, value in data.items():
        if key not in known:
            continue
        whole = any(fault[:1] == (key,) and fault[:2] not in dropped for fault in faulty)
        if whole:
            continue
        if isinstance(value, list):
            kept[(key,)] = [i for i in range(len(value)) if (key, i) not in dropped]
            sound[key] = [value[i] for i in kept[(key,)]]
        else:
            sound[key] = value
    return {**_STAND_IN, **sound}, kept


def _original(place: Place, kept: Mapping[Place, list[int]]) -> Place:
    """Return the place in the whole document of a place in its sound part."""
    positions = kept.get(place[:1])
    if len(place) < 2 or positions is None or not isinstance(place[1], int):
        return place
    return (place[0], positions[place[1]], *place[2:])


def _codes_in(data: Mapping[str, object]) -> dict[str, set[str]]:
    """Return the codes that a document gives to anything, right or wrong, by collection."""
    codes: dict[str, set[str]] = {}
    for key in ("gateways", "nodes", "flows", "meters", "products", "virtual_meters"):
        items = data.get(key)
        listed = (
            [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        )
        codes[key] = {str(item.get("code")) for item in listed}
        if key == "meters":
            codes["points"] = {
                str(point.get("code"))
                for item in listed
                if isinstance(item.get("points"), list)
                for point in item["points"]
                if isinstance(point, dict)
            }
    return codes
