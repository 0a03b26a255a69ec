"""`rules-listener replay`: what rules would have sent, had they run when events were recorded.

Read in this order: `numbering` (which events came twice, and which are missing), `selection` (which alerts are asked
for), `history` (recordings, played to rules), `tally` (what came of it, rule by rule), `report` (who is told),
`words`, `text`, `lines`, `markdown`, `columns` and `page` (how it is told), `progress`, `command` (the verb).
"""
