"""Whether the centre is alive, and whether it can do its work. Open to all, so it tells little."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from api.dependencies import Now, Schema, Store
from services.store import answers
from services.store.migrations import newest_revision

router = APIRouter(prefix="/health", tags=["健康 health"])


class Live(Schema):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(Schema):
    """The centre can do its work."""

    status: Literal["ready"] = "ready"
    as_of: datetime
    database: Literal["timescaledb community", "timescaledb apache", "plain"] = Field(
        description="数据库档次 / Tier of the database"
    )
    schema_revision: str = Field(description="数据库结构版本 / Revision of the schema")
    last_received_at: datetime | None = Field(
        description="最近收到报文的分钟（全中心），可见接收是否在运行 / Minute in which any message"
        " last arrived: whether ingest is alive"
    )


@router.get("/live", operation_id="get_health_live", summary="存活 / Alive")
async def live() -> Live:
    """Say that this process answers.

    进程在运行。
    """
    return Live()


@router.get("/ready", operation_id="get_health_ready", summary="就绪 / Ready")
async def ready(database: Store, now: Now) -> Ready:
    """Say that the database answers too; 503 if it does not.

    数据库可用；否则 503。
    """
    async with database.transaction() as connection:
        last = await answers.last_received(connection)
    return Ready(
        as_of=now,
        database=database.tier,
        schema_revision=newest_revision(),
        last_received_at=last,
    )
