"""What is known of a kind of diagnostic: the form of the entries in the registry (`codes`, `supervisorcodes`)."""

from dataclasses import dataclass

EXAMPLE_FILE = "example.rules"
CONFIGURATION_FILE = "rules-listener.yaml"
TEST_FILE = "example.test.yaml"
INCLUDED_FILE = "example.conf"
"""What the supervisord.conf of an example includes."""


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of diagnostic: `title` in a few words, `meaning` with what to do about it.

    `example` is the text of a file that causes it, `fixed` the same text put right. `file` is the file's name: a rule
    file unless it says otherwise, and not there at all where there is no text. Lone surrogates in a text are bytes that
    are not UTF-8. `beside` is what supervisord.conf includes, where rules are the example of what does not fit it; or
    all of supervisord.conf, if it has [supervisord].
    """

    code: str
    title: str
    meaning: str
    example: str = ""
    fixed: str = ""
    file: str = EXAMPLE_FILE
    beside: str = ""

    @property
    def is_warning(self) -> bool:
        """Whether it keeps no rule from being loaded, nor the listener from getting what they need."""
        return self.code.startswith(("RL32", "RL4", "RL51", "RL52"))

    @property
    def can_be_allowed(self) -> bool:
        """Whether a comment can silence it."""
        return self.code.startswith(("RL40", "RL52"))

    @property
    def is_about_supervisord(self) -> bool:
        """Whether it is about supervisord.conf, or rules beside it."""
        return self.code.startswith("RL5")
