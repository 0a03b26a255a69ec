"""From checked rules and events to firings.

Read in this order: `firing` (what comes out), `runtime` (what generated code calls), `globs` and `codegen`
(expressions become Python), `compile` (rules become a program), `program` (compiled rules as values), `agenda` and
`stays` (deadlines), `patterns` and `clauses` (what is remembered), `engine` (events go in).
"""
