"""Every dashboard, as the text of the file that Grafana is given."""

import json
from types import ModuleType

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import consumption, data_quality, energy_flow, overview, service_health

_MODULES: tuple[ModuleType, ...] = (
    overview,
    consumption,
    energy_flow,
    data_quality,
    service_health,
)


def texts() -> dict[str, str]:
    """Return the JSON of each dashboard by the name of its file."""
    return {
        f"{module.__name__.rpartition('.')[2]}.json": json.dumps(
            module.build(), cls=JSONEncoder, ensure_ascii=False, indent=1
        )
        + "\n"
        for module in _MODULES
    }
