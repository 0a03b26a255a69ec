"""The channels: one file for each kind, each satisfying `outbox.channel.Channel`.

`log` writes a line, `command` starts a program (`environment` says what it is told, `program` runs it), `supervisor`
asks supervisord, `mail` sends mail, `webhook` asks by HTTP, `systemlog` writes to syslog, `file` appends to a file,
`alertmanager` tells Prometheus' Alertmanager, `apprise` chats and phones. What they share: `process` (what it is
about), `line` (texts that disturb nobody), `wording` (what is said unless it is configured), `digest` (several as one),
`network` (connections that end), `arrived` (who has got it already), `guarded` (built when needed, and silent about
secrets).
"""
