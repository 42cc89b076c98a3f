"""Telling people and machines of alerts: to whom, when, through which channel, until it is done."""
