"""What we use of Grafana's Foundation SDK: classic dashboards, the form every Grafana reads."""

import warnings

with warnings.catch_warnings():
    # Its classic modules warn when imported: they would rather have what only the newest reads.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import (
        bargauge,
        common,
        nodegraph,
        stat,
        table,
        text,
        timeseries,
    )
    from grafana_foundation_sdk.builders import dashboard as builders
    from grafana_foundation_sdk.models import common as common_models
    from grafana_foundation_sdk.models import dashboard as models
    from grafana_foundation_sdk.models.text import TextMode

Dashboard = models.Dashboard

__all__ = [
    "Dashboard",
    "TextMode",
    "bargauge",
    "builders",
    "common",
    "common_models",
    "models",
    "nodegraph",
    "stat",
    "table",
    "text",
    "timeseries",
]
