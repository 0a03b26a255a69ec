"""The channels: one file for each kind, each satisfying `outbox.channel.Channel`.

`log` writes a line, `command` starts a program (`environment` says what it is told, `program` runs it), `supervisor`
asks supervisord; `process` is what they share.
"""
