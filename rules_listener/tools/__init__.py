"""The command line: one file for each verb, joined in `cli`.

`run` and `record` are listeners, and are reached without `cli`; all the others are for people. What they share: `place`
(where the state folder is), `loaded` (rules without an error), `reading` and `recordings` (how and whence events come),
`supervisorconf` (what supervisord.conf says of them), `show` and `spelled` (how things look), `replace` (a file gets
another content).

Rules: `check`, `fmt`, and `init`, which begins with some. Of a listener at work: `alerts` with `told` (a delivery, in
words), `status` with `muted` (which mutes hold) and `health` (whether it runs), and `demo`. Recordings: `convert`;
`replay` has a package of its own.

Rule tests: `eventline` (a line of events), `expected` (what is sent, beside what should be), `ruletest` and `testfile`
(the file), `testrun` (events in, outcome out), `whynot` (why something is missing), `testreport` and `junit` (how that
looks), `test` (the verb).

What tests cover: `coverage` (what is noticed), `testcoverage` (by whom), `coveragereport`.

Why rules fired: `routed` (which route and which mute), `observed` (one event), `why` (the sentence), `explained` (which
events), `explained_text` and `explained_objects` (how that looks), `explaining` (all of it). `generated` shows what is
run for a rule; `explain` (the verb) has that too, and the codes of diagnostics.
"""
