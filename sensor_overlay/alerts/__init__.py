"""Alerts: opened, raised, acknowledged, escalated and closed, each with what is to be told, in one transaction.

The rules (`sensor_overlay.rules`) say what follows from a value; here it is written. What is to be told stands in the
table `message` as soon as the alert itself does, so nothing that stops in between makes it told twice or never.
"""

from sensor_overlay.alerts.handling import Handled, acknowledge, close
from sensor_overlay.alerts.judging import Alerts
from sensor_overlay.alerts.watching import TICK_SECONDS, Listening, keep_watch, tick

__all__ = ["TICK_SECONDS", "Alerts", "Handled", "Listening", "acknowledge", "close", "keep_watch", "tick"]
