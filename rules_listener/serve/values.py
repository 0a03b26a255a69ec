"""The options of a channel as they are used: parts become texts, in the courier.

The shapes are those of `options`. What comes out of an event is never read again: neither as a template nor as a
reference.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from rules_listener.event.record import from_record
from rules_listener.match.firing import Renderer
from rules_listener.outbox.channel import Message

Text = Callable[[Message], str]


class Values:
    """Makes texts of parts, with the channel's templates and what its references stand for, each by its number."""

    def __init__(self, renderers: Sequence[Renderer], secrets: Sequence[str]) -> None:
        self.renderers = renderers
        self.secrets = secrets

    def fixed(self, parts: Sequence[Any]) -> str:
        """A text without templates."""
        return "".join(self._fixed(part) for part in parts)

    def text(self, parts: Sequence[Any]) -> Text:
        """A text that is made for each message."""
        pieces = [self.renderers[part[1]] if _is_template(part) else self._fixed(part) for part in parts]

        def render(message: Message) -> str:
            event, values = from_record(message.event), values_of(message)
            return "".join(piece if isinstance(piece, str) else piece(event, values) for piece in pieces)

        return render

    def texts(self, by_name: Mapping[str, Sequence[Any]]) -> dict[str, Text]:
        """Texts by name."""
        return {name: self.text(parts) for name, parts in by_name.items()}

    def tree(self, tree: Mapping[str, Any]) -> Callable[[Message], object]:
        """A value for JSON that is made for each message."""
        match tree:
            case {"object": items}:
                values = {key: self.tree(value) for key, value in items}
                return lambda message: {key: value(message) for key, value in values.items()}
            case {"array": items}:
                made = [self.tree(item) for item in items]
                return lambda message: [value(message) for value in made]
            case {"text": parts}:
                return self.text(parts)
        return lambda _: tree["constant"]

    def _fixed(self, part: Any) -> str:
        if isinstance(part, str):
            return part
        kind, number = part
        return quote(self.secrets[number], "") if kind == "quoted" else self.secrets[number]


def _is_template(part: Any) -> bool:
    return not isinstance(part, str) and part[0] == "template"


def values_of(message: Message) -> dict[str, object]:
    """What a channel's template knows besides the event.

    An alert that does not stay open is an incident of its own: receivers that join what has one name need a name.
    """
    return {
        "rule": message.rule,
        "severity": message.severity,
        "id": message.id,
        "message": message.text,
        "phase": message.phase,
        "incident": message.incident or message.id,
    }
