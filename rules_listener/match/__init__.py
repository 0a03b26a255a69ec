"""From checked rules and events to firings.

Read in this order: `firing` (what comes out), `lookup` and `runtime` (what generated code calls), `surroundings` (what
it calls in tests, in place of this host); `globs`, `regexes` and `normal` (conditions in few forms), `necessary` and
`index` (by what rules are looked up), `searches`, `shapes` and `codegen` (expressions become Python), `buckets` and
`compile` (rules become a program), `program` (compiled rules as values); `agenda` and `stays` (deadlines), `windows`
and `routing` (where alerts go, and when none do), `patterns` and `clauses` (what is remembered), `engine` (events go
in). Beside it, for those who ask why: `evaluate`, `traces` (how conditions came out, part by part) and `memory` (what
is remembered, to be looked at); for those who try changes: `overlay`.
"""
