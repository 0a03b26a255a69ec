"""The command line: one file for each verb, joined in `cli`.

`run` and `record` are listeners, and are reached without `cli`; all the others are for people.

Rule tests: `eventline` (a line of events), `expected` (what is sent, beside what should be), `ruletest` and `testfile`
(the file), `testrun` (events in, outcome out), `conditionparts` and `whynot` (why something is missing), `testreport`
and `junit` (how that looks), `test` (the verb).
"""
