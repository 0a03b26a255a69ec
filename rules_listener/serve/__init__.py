"""The listener at work: configuration, the loop, and what joins all parts.

Read in this order: `config` (the configuration file), `channels` (kinds of channels, and how they are built), `bundle`
(rules and settings, compiled, as a file), `compiler` (makes a bundle, in a process of its own), `supervisord` (the
process that started us), `children` (the processes that we start), `keeper` (what the store could not take yet),
`sequence` (repeats, losses), `loop` (events in, answers out), `listener` (start-up), `couriering` (the courier's
process).
"""
