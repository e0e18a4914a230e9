"""When something is to be told: levels, durations, quiet times, states.  Pure functions; no clock, no database."""
