"""What an event is, once its bytes are decoded.

1. `fields` holds what the type's payload says, `data` its free text; both are as sent, never changed.
2. A field that is missing is absent from `fields`, never empty or zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Value = str | int


@dataclass(slots=True)
class Event:
    """One event: its type, when it was received (seconds since 1970), its header, its fields and its data."""

    type: str
    time: float
    fields: dict[str, Value]
    data: str | None = None
    header: dict[str, Value] = field(default_factory=dict)

    @property
    def process(self) -> str | None:
        """`group:name`, or the name alone where the two are the same; None if the event is about no process."""
        name = self.fields.get("processname")
        if name is None:
            return None
        group = self.fields.get("groupname", "")
        return str(name) if group in (name, "") else f"{group}:{name}"

    def summary(self) -> str:
        """The event in one line: type, group:name, the other fields, and the first line of its data.

        As in `PROCESS_STATE_EXITED cat:cat from_state=RUNNING expected=0 pid=2766`.
        """
        fields = self.fields
        words = [self.type]
        if "processname" in fields:
            words.append(f"{fields.get('groupname', '')}:{fields['processname']}")
            words += [f"{name}={value}" for name, value in fields.items() if name not in ("processname", "groupname")]
        else:
            words += [f"{name}={value}" for name, value in fields.items()]
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
