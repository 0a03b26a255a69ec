"""`rules-listener replay`: what rules would have sent, had they run when events were recorded.

Read in this order: `numbering` (which events came twice, and which are missing), `selection` (which alerts are asked
for), `history` (recordings, played to rules), `tally` (what came of it, rule by rule), `report` (who is told),
`rules` and `playing` (one set of rules at work), `words`, `text`, `lines`, `markdown`,
`columns` and `page` (how it is told).

Then two sets of rules: `pairing` (which rule is which), `differences`, `comparing`, `differing` (how they are shown).
Then several jobs: `part` (what one plays), `job` (its process), `jobs` (all of them together). Last `progress`,
`running` (from the first event to the last) and `command` (the verb).
"""
