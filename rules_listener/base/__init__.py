"""The ground that everything stands on.

Read in this order: `errors` (what is raised), `clock` (where time comes from), `source` (text and places in it),
`codes` (the registry of diagnostics), `diagnostics` (what is said about a place, and how it is shown).
"""
