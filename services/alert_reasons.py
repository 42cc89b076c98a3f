"""Why an alert fired."""

from datetime import datetime
from typing import Any

from services.alert_rules.compile import Instance
from services.site_model import SiteModel
from services.store.pool import Connection


async def explain(
    connection: Connection, model: SiteModel, instance: Instance, *, at: datetime
) -> dict[str, Any] | None:
    """Return what is behind an alert."""
    del connection, model, instance, at
    return None
