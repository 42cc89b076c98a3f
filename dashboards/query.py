"""What panels ask: named queries of queries.sql as targets of Grafana's PostgreSQL data source."""

import re
from functools import cache
from importlib.resources import files
from typing import Literal

from grafana_foundation_sdk.cog import builder, variants

from dashboards.sdk import common_models

DATASOURCE = common_models.DataSourceRef(type_val="grafana-postgresql-datasource", uid="nengtan")
Shape = Literal["table", "time_series"]


class SqlQuery(variants.Dataquery):
    """A query of the PostgreSQL data source: the SDK has none of its own."""

    def __init__(self, raw_sql: str, *, ref_id: str, shape: Shape) -> None:
        self.raw_sql = raw_sql
        self.ref_id = ref_id
        self.shape = shape

    def to_json(self) -> dict[str, object]:
        """Return the target as Grafana stores it."""
        return {
            "refId": self.ref_id,
            "datasource": DATASOURCE.to_json(),
            "editorMode": "code",
            "format": self.shape,
            "rawQuery": True,
            "rawSql": self.raw_sql,
        }


class Target(builder.Builder[variants.Dataquery]):
    """A query as a panel takes it."""

    def __init__(
        self, name: str, *, column: str = "", ref_id: str = "A", shape: Shape = "table"
    ) -> None:
        self._query = SqlQuery(sql(name, column=column), ref_id=ref_id, shape=shape)

    def build(self) -> SqlQuery:
        """Return the query."""
        return self._query


def sql(name: str, *, column: str = "") -> str:
    """Return the query of that name, with @column and the queries it names put in.

    Raises
    ------
    KeyError
        If there is no such query: a mistake of ours.
    """
    text = _queries()[name].replace("@column", column)
    return re.sub(r"@(\w+)", lambda found: _queries()[found[1]], text)


@cache
def _queries() -> dict[str, str]:
    text = files("dashboards").joinpath("queries.sql").read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
