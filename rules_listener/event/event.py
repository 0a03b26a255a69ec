"""What an event is, once its bytes are decoded.

1. `fields` holds what the type's payload says, `data` its free text; both are as sent, never changed.
2. A field that is missing is absent from `fields`, never empty or zero.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Value = str | int


class Seen(Protocol):
    """An event as long as it is only looked at: an `Event`, or what is one once somebody asks for all of it.

    `poolserial` is its number within the pool, None where it has none.
    """

    @property
    def type(self) -> str: ...  # noqa: D102 - see `Event`

    @property
    def time(self) -> float: ...  # noqa: D102 - likewise

    @property
    def data(self) -> str | None: ...  # noqa: D102 - likewise

    @property
    def fields(self) -> Mapping[str, Value]: ...  # noqa: D102 - likewise

    @property
    def header(self) -> Mapping[str, Value]: ...  # noqa: D102 - likewise

    @property
    def poolserial(self) -> Value | None: ...  # noqa: D102 - see the class

    @property
    def process(self) -> str | None: ...  # noqa: D102 - see `Event`

    @property
    def processname(self) -> Value | None: ...  # noqa: D102 - likewise

    @property
    def groupname(self) -> Value | None: ...  # noqa: D102 - likewise

    def kept(self) -> "Event":
        """The event, for whoever keeps it or asks for more."""


class Event:
    """One event: its type, when it was received (seconds since 1970), its header, its fields and its data.

    No dataclass: to import what makes one takes the listener a tenth of its start.
    """

    __slots__ = ("data", "fields", "header", "time", "type")

    def __init__(
        self,
        type: str,  # noqa: A002 - the name that it has everywhere
        time: float,
        fields: dict[str, Value],
        data: str | None = None,
        header: dict[str, Value] | None = None,
    ) -> None:
        self.type = type
        self.time = time
        self.fields = fields
        self.data = data
        self.header = {} if header is None else header

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and self._values() == other._values()

    __hash__ = None  # type: ignore[assignment]  # what it holds can change

    def __repr__(self) -> str:
        return "Event({!r}, {!r}, {!r}, {!r}, {!r})".format(*self._values())

    def _values(self) -> tuple[object, ...]:
        return self.type, self.time, self.fields, self.data, self.header

    @property
    def process(self) -> str | None:
        """`group:name`, or the name alone where the two are the same; None if the event is about no process."""
        name = self.fields.get("processname")
        if name is None:
            return None
        group = self.fields.get("groupname", "")
        return str(name) if group in (name, "") else f"{group}:{name}"

    @property
    def processname(self) -> Value | None:
        """The name of the process alone."""
        return self.fields.get("processname")

    @property
    def groupname(self) -> Value | None:
        """The name of the group."""
        return self.fields.get("groupname")

    @property
    def poolserial(self) -> Value | None:
        """Its number within the pool."""
        return self.header.get("poolserial")

    def kept(self) -> "Event":
        """The event itself."""
        return self

    def summary(self) -> str:
        """The event in one line: type, process, the other fields, and the first line of its data.

        As in `PROCESS_STATE_EXITED web:nginx from_state=RUNNING expected=0 pid=2766`.
        """
        process = self.process
        of_process = () if process is None else ("processname", "groupname")
        words = [self.type] if process is None else [self.type, process]
        words += [f"{name}={value}" for name, value in self.fields.items() if name not in of_process]
        if self.data:
            words.append(self.data.split("\n", 1)[0].rstrip("\r"))
        return " ".join(words)

    def packed(self) -> list[object]:
        """All of it as values that JSON has."""
        return [self.type, self.time, self.fields, self.data, self.header]

    @classmethod
    def unpacked(cls, packed: Sequence[Any]) -> "Event":
        """The event that was `packed`."""
        kind, time, fields, data, header = packed
        return cls(kind, time, dict(fields), data, dict(header))
