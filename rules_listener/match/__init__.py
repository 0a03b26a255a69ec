"""From checked rules and events to firings.

Read in this order: `firing` (what comes out), `runtime` (what generated code calls), `compile` (rules become Python),
`program` (compiled rules as a file), `engine` (events go in).
"""
