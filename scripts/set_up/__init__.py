"""Brings a fresh machine to where `zwilling demo` or the tests can run; the standard library alone.

`steps` runs named steps and tells what failed, `environments` makes the Python environments, `node` finds or
installs Node and builds the viewer, `debian` installs system packages, `commands` is what `run.py` offers.
"""
