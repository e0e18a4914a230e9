"""Sensors that are not there: invented schools in the sample quarter, their days, and what their sensors would send.

Everything follows from a seed and the clock, so that the same question gets the same answer.  Nothing here is real, and
the registry says so of each sensor.

`plan` has the schools and their sensors, `days` the air in their rooms, `payloads` and `traffic` what is sent of it,
`publishing` and `webhook` the two ways to the twin, `running` a whole run, `broker` a broker for demonstrations, and
`registry` the list for `zwilling sensors import`.
"""
