"""From bytes to events.

Read in this order: `catalogue` (which types of event there are, and their fields), `event` (what an event is),
`wire` (supervisord's protocol, without I/O), `record` (an event as a flat object and as one line of text).

Then the recordings: `findings` (what can't be read), `jsonlines` (flat objects, line by line), `capture` (raw bytes of
the protocol), `localtime`, `processes` and `supervisorlog` (supervisord's own log), `compression` and `rotation`
(files), `recording` (whatever holds events, as one stream). The listener itself imports none of these.
"""
