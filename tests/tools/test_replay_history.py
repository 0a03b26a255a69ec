"""How a history is played: in its order, up to its end, to rules that do not see the listener itself."""

from math import inf

from rules_listener.event.event import Event, Seen
from rules_listener.tools.replay.history import History, Played


def tick(time: float) -> Event:
    """A tick at a moment."""
    return Event("TICK_5", time, {"when": int(time)})


def test_all_events_in_their_order() -> None:
    """`take` is told of events of which something came, and of all others if that is asked for."""
    taken: list[tuple[float, list[float]]] = []
    parts = [[tick(5), tick(10)], [], [tick(15)]]
    for every_event in (False, True):
        history = History(parts)
        history.play(
            lambda event: [event.time] if event.time > 5 else [],
            lambda event, found: taken.append((event.time, list(found))),
            every_event=every_event,
        )
        assert history.played(2) == Played(3, 5.0, 15.0, 0, 0, 2)
    assert taken == [(10, [10]), (15, [15]), (5, []), (10, [10]), (15, [15])]


def test_the_end() -> None:
    """No event after `until` is read."""

    def parts() -> "list[list[Event]]":
        return [[tick(5), tick(10)], [tick(15), tick(20)], [tick(25)]]

    for until, count in ((4.0, 0), (10.0, 2), (17.0, 3), (inf, 5)):
        seen: list[Event] = []
        history = History(iter(parts()), until=until)
        history.play(lambda event: [event], lambda event, _: seen.append(event.kept()))  # noqa: B023 - called at once
        assert (len(seen), history.events) == (count, count)


def listener_started() -> Event:
    """What the journal of a listener begins with."""
    return Event("LISTENER_STARTED", 1.0, {})


def of_pool(name: str) -> Event:
    """An event that went to a pool."""
    return Event("TICK_5", 5.0, {"when": 5}, header={"pool": name, "serial": 1, "poolserial": 1})


def groups(*events: Event, is_journal: bool = False) -> list[str]:
    """What is found to be the listener's own group, and when supervisord's events are fed."""
    found: list[str] = []

    def feed(event: Seen) -> list[str]:
        found.extend(["fed"] * (event.poolserial is not None))
        return []

    History([events], is_journal=is_journal, own_group_is=found.append).play(feed, lambda *_: None)
    return found


def test_the_listeners_own_group() -> None:
    """In a listener's journal it is named like the pool of the first event; a recorder's pool is not the listener's."""
    assert groups(listener_started(), of_pool("rl"), of_pool("other")) == ["rl", "fed", "fed"]
    assert groups(of_pool("rl"), is_journal=True) == ["rl", "fed"]
    assert groups(of_pool("recorder")) == ["fed"]
