"""From firings to deliveries: the one SQLite store, and the courier that empties it.

Read in this order: `alert` (firings become deliveries), `folder` (the state folder), `schema` (the tables), `database`
(opening the file, transactions), `counters` (what is counted in it), `order` (which delivery is next), `rows` (alerts
as rows), `store` (what the listener writes), `position` (which event was seen last), `tail` (what is not in the store
yet), `expand` (alerts become rows of deliveries), `gather` (what is one message), `queue` (what is due, and what became
of it), `trim` (what is deleted), `listing` (what people see and change), `figures` (the store in figures), `journal`
(the journal as a recording), `channel` (what is asked of a destination), `crew` (the threads of a channel), `again`
(what is open, for receivers that forget), `doorbell` and `lock` (waking and being the only one), `courier` (expands,
claims, sends, settles).

Of these the listener itself imports those up to `tail`, but for `order`.
"""
