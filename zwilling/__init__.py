"""The shared words of the twin, and its front door.

The vocabulary (`errors`, `issues`, `crs`, `bounds`, `features`, `region`, `settings`) imports no room;
the front door (`cli`, `build`, `demo`) may import every room and is imported by none.
"""

__version__ = "0.1.0"
