"""From firings to deliveries: the one SQLite store, and the courier that empties it.

Read in this order: `alert` (firings become deliveries), `store` (the file: schema, transactions), `queue` (which delivery
is due, and what became of it), `position` (which event was seen last), `channel` (what is asked of a destination),
`courier` (claims, sends, settles).
"""
