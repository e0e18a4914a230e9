"""OGC SensorThings API 1.1, Part 1: Sensing (OGC 18-088), over the store's tables.

From an address to an answer: `addresses` reads the path, `options` the query, `filters` makes SQL of `$filter` and
`$orderby`, `reading` asks the database, one statement for each expanded level, and `representation` writes JSON.
"""
