"""What names mean: quantities, carriers and quality flags, in both languages."""

from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from api.dependencies import Schema
from api.schema import Grade
from api.security import needs
from compute.quality import FLAG_TEXTS, grade
from compute.quantities import QUANTITIES
from services.reference import load_tables

router = APIRouter(tags=["名词 nomenclature"], dependencies=[Depends(needs("read"))])


class QuantityName(Schema):
    """A quantity: the name of a column, and what it is called."""

    name: str
    unit: str = Field(
        description="空：随能源品种或产品 / Empty: that of the carrier or product", examples=["kWh"]
    )
    zh: str
    en: str
    aggregation: Literal["sum", "mean", "last", "ratio", "max"]
    sign: str = Field(description="正值的含义 / What a positive value means")
    clause: str


class CarrierName(Schema):
    """A carrier of energy."""

    code: str
    zh: str
    en: str
    unit: str
    kind: str


class FlagName(Schema):
    """A quality flag, with the grade that it alone makes of a value."""

    name: str
    zh: str
    en: str
    grade: Grade


class Nomenclature(Schema):
    """Everything that has a name."""

    quantities: list[QuantityName]
    carriers: list[CarrierName]
    flags: list[FlagName]


@router.get("/nomenclature", operation_id="get_nomenclature", summary="名词表 / Nomenclature")
async def nomenclature() -> Nomenclature:
    """Return the names, units and texts that answers are drawn from.

    量、能源品种与质量标记的中英文名称和单位。
    """
    return Nomenclature(
        quantities=[QuantityName.model_validate(line) for line in QUANTITIES],
        carriers=[
            CarrierName(
                code=carrier.code,
                zh=carrier.name_zh,
                en=carrier.name_en,
                unit=carrier.unit,
                kind=carrier.kind,
            )
            for carrier in load_tables().carriers.values()
        ],
        flags=[
            FlagName(name=str(flag.name).lower(), zh=zh, en=en, grade=grade(flag))
            for flag, (zh, en) in FLAG_TEXTS.items()
        ],
    )
