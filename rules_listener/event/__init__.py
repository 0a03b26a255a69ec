"""From bytes to events.

Read in this order: `catalogue` (which types of event there are, and their fields), `event` (what an event is),
`wire` (supervisord's protocol, without I/O), `record` (an event as a flat object and as one line of text).
"""
