"""The exceptions that the package raises. Each one's text is written for the person who has to act on it."""


class RulesListenerError(Exception):
    """Base of all errors that the package raises on purpose."""


class ProtocolError(RulesListenerError):
    """The bytes do not follow supervisord's event protocol."""


class ConfigError(RulesListenerError):
    """The configuration, a command line or a file's place makes it impossible to run."""


class StoreError(RulesListenerError):
    """The store can't be read or written: a full disk, a folder without permission, a damaged file.

    Where its text says what the listener needs, `reason` is the rest, for those who only want to read.
    """

    def __init__(self, text: str, *, reason: str = "") -> None:
        super().__init__(text)
        self.reason = reason
