"""Sensors that are not there: invented schools in the sample quarter, their days, and what their sensors would send.

Everything follows from a seed and the clock, so that the same question gets the same answer.  Nothing here is real, and
the registry says so of each sensor.
"""

from __future__ import annotations

from sensor_overlay.simulate.broker import demo_broker
from sensor_overlay.simulate.days import Days, school_shift
from sensor_overlay.simulate.plan import Plan, draw_up
from sensor_overlay.simulate.publishing import Sent, publish
from sensor_overlay.simulate.registry import write_registry
from sensor_overlay.simulate.traffic import Disorder, Traffic, Transmission

__all__ = [
    "Days",
    "Disorder",
    "Plan",
    "Sent",
    "Traffic",
    "Transmission",
    "demo_broker",
    "draw_up",
    "publish",
    "school_shift",
    "write_registry",
]
