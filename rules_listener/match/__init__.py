"""From checked rules and events to firings.

Read in this order: `firing` (what comes out), `lookup` and `runtime` (what generated code calls); `globs`, `regexes`
and `normal` (conditions in few forms), `necessary` and `index` (by what rules are looked up), `searches`, `shapes` and
`codegen` (expressions become Python), `buckets` and `compile` (rules become a program), `program` (compiled rules as
values); `agenda` and `stays` (deadlines), `patterns` and `clauses` (what is remembered), `engine` (events go in).
"""
