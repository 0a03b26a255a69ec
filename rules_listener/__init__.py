"""rules-listener: the supervisord event listener that runs a rule file.

The packages, in the order of the data flow, which is also the only order of imports:
`base`, `event`, `lang`, `match`, `outbox`, `send`, `serve`, `tools`.
"""

__version__ = "0.1.0"
