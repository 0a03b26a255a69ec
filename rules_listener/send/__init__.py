"""The channels: one file for each kind, each satisfying `outbox.channel.Channel`.

`command` starts a program, `log` writes a line, `supervisor` asks supervisord.
"""
