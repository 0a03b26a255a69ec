"""The process that an event in its flat form is about."""

from collections.abc import Mapping


def process_of(event: Mapping[str, object]) -> str | None:
    """`group:name`, or the name alone where the two are the same; None if the event is about no process."""
    name = event.get("processname")
    if name is None:
        return None
    group = event.get("groupname", "")
    return str(name) if group in (name, "") else f"{group}:{name}"
