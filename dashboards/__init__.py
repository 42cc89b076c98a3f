"""The window: dashboards as code."""
