"""The listener at work: configuration, the loop, and what joins all parts.

Read in this order: `config` (settings as plain values), `yamlnodes` (YAML with places), `secret` (what stands
elsewhere), `options` and `values` (what a channel is told, and what is made of it), `kinds` and `httpkinds` (the kinds
of channels), `channels` (reading and building them), `configfile` (the configuration file), `bundle` (rules and
settings, compiled, as bytes), `compiler` (makes a bundle, in a process of its own), `children` (the processes that we
start), `compiled` (a bundle, kept or made now), `supervisord` (the process that started us), `timing` (how long answers
take), `keeper` (what the store could not take yet), `sequence` (repeats, losses), `restore` (what the last listener
left), `handler` (what is done with a frame), `couriers` (the courier, seen from here), `reload` and `watch` (new
rules), `loop` (events in, answers out), `listener` (the start, from top to bottom), `couriering` (the courier's
process), `metrics` and `endpoint` (what Prometheus is told, and where), `recordingfile` and `recorder` (a listener that
only records).

Beside it, `dryrun` goes the same way with events of the past. For `check` alone: `supervisorparser` and
`supervisorconf` (what supervisord.conf says), `wanted` (what a rule waits for, and where it says so), `possible` and
`reach` (what of it can come), `arguments` (what `run` may be told), `ownsection` (the listener's
section), `fit` (all of them).
"""
