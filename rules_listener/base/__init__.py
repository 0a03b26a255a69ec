"""The ground that everything stands on.

Read in this order: `errors` (what is raised), `clock` (where time comes from), `digest` (of bytes), `counted` (how
many, in words), `printable` (what a terminal may get), `logline` (what the listener says of itself), `source` (text and
places in it), `meaning` (what is known of a kind of diagnostic), `codes` and `supervisorcodes` (all kinds),
`diagnostics` (what is said about a place, and how it is shown).
"""
