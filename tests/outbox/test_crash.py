"""Nothing that was committed is lost, sent out of order or sent without need, wherever the processes end."""

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.outbox.alert import Alert
from rules_listener.outbox.channel import GaveUp, Outcome, RetryLater, Sent
from rules_listener.outbox.database import Database
from rules_listener.outbox.listing import Listing
from rules_listener.outbox.position import Epoch, Position
from rules_listener.outbox.queue import Queue, Series
from rules_listener.outbox.store import Store

EPOCH = Epoch(1, 2.0, "listener")
CHANNELS = ("ops", "pager")
GATHERING = "mail"

steps = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.sampled_from("abc"), st.sampled_from((*CHANNELS, GATHERING))),
        st.tuples(st.just("expand"), st.none(), st.none()),
        st.tuples(st.just("claim"), st.tuples(st.integers(0, 2), st.integers(0, 2)), st.integers(1, 3)),
        st.tuples(st.just("gather"), st.booleans(), st.none()),
        st.tuples(st.just("settle"), st.integers(0, 3), st.sampled_from((Sent(), RetryLater("busy"), GaveUp("no")))),
        st.tuples(st.just("clock"), st.sampled_from((-1000.0, 5.0)), st.none()),
        st.tuples(st.just("crash"), st.none(), st.none()),
        st.tuples(st.just("by hand"), st.sampled_from(("retry", "drop")), st.integers(0, 9)),
    ),
    max_size=30,
)


class World:
    """A listener and a courier that work on a store and can lose all but their files at any moment."""

    def __init__(self, root: Path, make_alert: Callable[..., Alert]) -> None:
        self._root = root
        self._make_alert = make_alert
        self._lives = 0
        self.now = 0.0
        self.committed: list[str] = []
        self.under_way: list[Series] = []
        self.digest: set[str] = set()
        """What the digest that is to be tried again may have."""
        self.revived: set[str] = set()
        self._open()

    def _open(self) -> None:
        folder = self._root / str(self._lives)
        self.store = Store(folder)
        self.database = Database(folder)
        chance = Random(1)  # noqa: S311 - a test repeats itself
        self.queue = Queue(self.database, random=chance, gather_s={GATHERING: 7.0})
        self.queue.recover(self.now)
        self.listing = Listing(folder)

    def commit(self, key: str, channel: str) -> None:
        """The listener keeps an alert and acknowledges its event."""
        alert = self._make_alert(key, channel)
        self.store.commit([alert], Position(EPOCH, len(self.committed), 0), time=self.now)
        self.committed.append(alert.deliveries[0].id)

    def expand(self, *_: object) -> None:
        """The courier takes in what is new."""
        self.queue.expand(self.now)

    def claim(self, places: tuple[int, int], length: int) -> None:
        """The courier begins to send; a series is the oldest of its channel and key, and alone under way."""
        free = {**dict(zip(CHANNELS, places, strict=True)), GATHERING: 1}
        for series in self.queue.claim(self.now, free, dict.fromkeys(CHANNELS, length)):
            message = series[0].message
            unsettled = self.database.rows(
                "SELECT n, state FROM deliveries WHERE channel = ? AND key = ? AND state IN ('waiting', 'sending')"
                " ORDER BY n",
                (message.channel, message.key),
            )
            numbers = [claimed.n for claimed in series]
            assert [n for n, _ in unsettled[: len(series)]] == numbers
            assert [n for n, state in unsettled if state == "sending"] == numbers
            assert {claimed.message.id for claimed in series} <= set(self.committed)
            self.under_way.append(series)

    def gather(self, hurry: object, *_: object) -> None:
        """The courier begins to send a digest, the only one; it has only what it had when it failed."""
        for series in self.queue.gather(self.now, {GATHERING: 1}, hurry=bool(hurry)):
            identifiers = [claimed.message.id for claimed in series]
            assert not any(under_way[0].message.channel == GATHERING for under_way in self.under_way)
            assert identifiers == [one for one in self.committed if one in set(identifiers)]
            assert not self.digest or set(identifiers) <= self.digest
            self.revived -= set(identifiers)
            self._assert_in_order(series)
            self.digest = set(identifiers)
            self.under_way.append(series)

    def _assert_in_order(self, digest: Series) -> None:
        """Nothing older of the same key is left behind, but what was sent again by hand."""
        last = {claimed.message.key: claimed.n for claimed in digest}
        waiting = "SELECT n, id, key FROM deliveries WHERE channel = ? AND state = 'waiting'"
        for n, identifier, key in self.database.rows(waiting, (GATHERING,)):
            assert n > last.get(key, 0) or identifier in self.revived

    def settle(self, count: int, outcome: Outcome) -> None:
        """Some series come to their end: the first of each is sent if there are more, and then `outcome` happens."""
        ended, self.under_way = self.under_way[:count], self.under_way[count:]
        for series in ended:
            if series[0].message.channel == GATHERING:
                self.queue.settle([(claimed.n, outcome) for claimed in series], self.now)
                self.digest = self.digest if isinstance(outcome, RetryLater) else set()
                continue
            outcomes: list[Outcome | None] = [Sent(), outcome] if len(series) > 1 else [outcome]
            outcomes += [None if isinstance(outcome, RetryLater) else outcome] * (len(series) - len(outcomes))
            numbers = [claimed.n for claimed in series]
            self.queue.settle(list(zip(numbers, outcomes, strict=True)), self.now)

    def clock(self, seconds: float, *_: object) -> None:
        """The wall clock jumps."""
        self.now += seconds
        if seconds < 0:
            self.queue.turn_back(-seconds)

    def crash(self, *_: object) -> None:
        """Both processes end at once: what they leave is their files as they are, log and all."""
        self._lives += 1
        shutil.copytree(self._root / str(self._lives - 1), self._root / str(self._lives))
        self.close()
        self.under_way = []
        self._open()

    def by_hand(self, change: str, number: int) -> None:
        """Somebody at the command line sends again or drops."""
        if number < len(self.committed):
            changed = getattr(self.listing, change)(self.committed[number], self.now)
            self.digest -= {self.committed[number]} if changed else set()
            self.revived |= {self.committed[number]} if changed else set()

    def finish(self) -> None:
        """All that waits is sent."""
        self.settle(len(self.under_way), Sent())
        for _ in self.committed:
            self.now += 1000
            self.expand()
            self.claim((9, 9), 2)
            self.gather("hurry")
            self.settle(len(self.under_way), Sent())

    def close(self) -> None:
        """Let go of the files."""
        self.store.close()
        self.database.close()


@settings(max_examples=60, deadline=None)
@given(history=steps)
def test_nothing_is_lost_and_nothing_overtakes(
    make_alert: Callable[..., Alert], history: list[tuple[str, ...]]
) -> None:
    """After any history with crashes and changes by hand, each alert is sent, given up or dropped, in its order."""
    with TemporaryDirectory() as root:
        world = World(Path(root), make_alert)
        for name, *values in history:
            world.now += 1.0
            getattr(world, name.replace(" ", "_"))(*values)
        committed = len(world.committed)
        position = world.store.position()
        assert position == (Position(EPOCH, committed - 1, 0) if committed else None)
        world.finish()
        rows = world.database.rows("SELECT id, state FROM deliveries ORDER BY n")
        assert [identifier for identifier, _ in rows] == world.committed
        assert {state for _, state in rows} <= {"sent", "given_up", "dropped"}
        world.close()
