"""The command line: one file for each verb, joined in `cli`.

`run` and `record` are listeners, and are reached without `cli`; all the others are for people.

Rule tests: `eventline` (a line of events), `expected` (what is sent, beside what should be), `ruletest` and `testfile`
(the file), `testrun` (events in, outcome out), `whynot` (why something is missing), `testreport` and `junit` (how that
looks), `test` (the verb).

What tests cover: `coverage` (what is noticed), `testcoverage` (by whom), `coveragereport`.

Why rules fired: `observed` (one event), `why` (the sentence), `explained` (which events), `explained_text` and
`explained_objects` (how that looks), `explaining` (all of it).
"""
