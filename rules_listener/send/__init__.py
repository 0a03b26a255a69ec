"""The channels: one file for each kind, each satisfying `outbox.channel.Channel`.

`log` writes a line, `command` starts a program (`environment` says what it is told, `program` runs it), `supervisor`
asks supervisord. What they share: `process` (what it is about), `line` (texts that disturb nobody), `guarded` (built
when needed, and silent about secrets).
"""
