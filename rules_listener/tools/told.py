"""What is told about a delivery, in words."""

from rules_listener.outbox.listing import Listed
from rules_listener.tools.show import age, clock_time, span
from rules_listener.tools.spelled import held_back


def said(listed: Listed) -> str:
    """What a delivery says, or does."""
    return listed.text if listed.kind == "alert" else " ".join([listed.kind, *_done(listed)])


def _done(listed: Listed) -> tuple[str, ...]:
    """What an action is done with; the first argument of one on a process is the action itself."""
    return listed.arguments if listed.kind == "run" else listed.arguments[1:]


def about(listed: Listed) -> str:
    """Whose it is: the rule, how severe, and what it is if not the first to be said."""
    words = [listed.rule] if listed.kind != "alert" else [listed.rule, listed.severity]
    return ", ".join(words if listed.phase == "firing" else [*words, listed.phase])


def state(name: str) -> str:
    """The name of a state in words; the store and programs have one word."""
    return name.replace("_", " ")


def standing(listed: Listed, now: float) -> str:
    """What follows the name of its state: why, which try, when next; empty if the state says all."""
    reason = f": {listed.reason}" if listed.reason else ""
    match listed.state:
        case "waiting":
            return f" for {age(listed.since, now)}, {_next_try(listed, now)}{reason}"
        case "sending":
            return f" for {age(listed.changed or now, now)}, try {listed.attempts}{reason}"
        case "sent":
            return "" if listed.attempts <= 1 else f" at try {listed.attempts}"
        case "given_up":
            return f" after {_tries(listed.attempts)}{reason}"
        case "dropped":
            return f" by hand; it had failed{reason}" if reason else " by hand"
    return f": {held_back(listed.reason, clock_time)}" if listed.reason else ""


def _next_try(listed: Listed, now: float) -> str:
    if listed.changed is None:
        return "no courier has taken it in yet"
    if listed.due is None:
        return "behind an earlier one"
    return f"try {listed.attempts + 1} {when(listed.due, now)}"


def when(due: float, now: float) -> str:
    """How long it is until something is due."""
    return "now" if due - now < 1 else f"in {span(due - now)}"


def _tries(number: int) -> str:
    return "1 try" if number == 1 else f"{number} tries"


def changed(listed: Listed) -> str:
    """When the state of a delivery changed last; empty where nobody noted that."""
    return "" if listed.changed is None else clock_time(listed.changed)
