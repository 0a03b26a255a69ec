"""Which delivery of a channel and key is next: a recovery never overtakes its alert.

1. A delivery is unsettled while it is waiting or sending.
2. Only the oldest unsettled delivery of a channel and key has its turn; the others wait with `due` null. So what is due
   is found in one index, however many wait behind a channel that is down. It may take the ones right behind it along:
   they are then sent after it by the same thread, none before the one ahead of it was sent or given up.
3. A delivery is due at a moment of the wall clock; when that jumps back, so does what is due.
4. Whatever settles, adds or revives a delivery keeps rule 2 within the same transaction. One that is revived by hand
   while a younger one is being sent waits for its end.
5. One that is put aside, since some of its receivers have it and the others are in trouble, gets a key of its own: it
   holds up no other.
6. Where a channel gathers (`gather`), the oldest is due when it has waited for so long; a digest that waits to be tried
   again is due when its first delivery is.
"""

from rules_listener.outbox.database import Execute

INSERT_WAITING = (
    "INSERT INTO deliveries (id, n, alert, channel, key, since, changed, state, attempts, due)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 'waiting', 0, CASE WHEN EXISTS (SELECT 1 FROM deliveries"
    " WHERE channel = ?4 AND key = ?5 AND state IN ('waiting', 'sending')) THEN NULL ELSE ?7 END)"
)
"""Adds a delivery: id, number, alert, channel, key, since when it is there, and when it is due if it has the turn."""

_DEMOTE = (
    "UPDATE deliveries SET due = NULL WHERE channel = ?1 AND key = ?2 AND (due IS NOT NULL OR state = 'sending')"
    " AND state = 'waiting'"
    " AND n > (SELECT min(n) FROM deliveries WHERE channel = ?1 AND key = ?2 AND state IN ('waiting', 'sending'))"
)

_PROMOTE = (
    "UPDATE deliveries SET due = CASE ?4 WHEN 0 THEN ?3 ELSE min(since, ?3) + ?4 END WHERE state = 'waiting' AND n ="
    " (SELECT min(n) FROM deliveries WHERE channel = ?1 AND key = ?2 AND state IN ('waiting', 'sending'))"
    " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE channel = ?1 AND key = ?2"
    " AND (due IS NOT NULL OR state = 'sending'))"
)

_HEAL_YOUNGER = (
    "UPDATE deliveries SET due = NULL WHERE state = 'waiting' AND due IS NOT NULL AND n NOT IN"
    " (SELECT min(n) FROM deliveries WHERE state IN ('waiting', 'sending') GROUP BY channel, key)"
)

_HEAL_OLDEST = (
    "UPDATE deliveries SET due = ?1 WHERE state = 'waiting' AND due IS NULL AND n IN"
    " (SELECT min(n) FROM deliveries WHERE state IN ('waiting', 'sending') GROUP BY channel, key)"
)

_HEAL_FUTURE = (
    "UPDATE deliveries SET due = ?1, changed = ?1"
    " WHERE state = 'waiting' AND due IS NOT NULL AND due > ?1 AND changed > ?1"
)

PUT_ASIDE = "UPDATE deliveries SET key = 'aside ' || n WHERE n = ?"

_TURN_BACK = "UPDATE deliveries SET due = due - ? WHERE state = 'waiting' AND due IS NOT NULL"


def reorder(execute: Execute, channel: str, key: str, now: float, gather_s: float = 0.0) -> None:
    """After a delivery was settled, put back or revived: give the turn to the oldest, due at once if it had none.

    If the channel gathers, it is due `gather_s` seconds after it was said.
    Nobody gets it while one is being sent: the settling of that one comes here again.
    """
    execute(_DEMOTE, (channel, key))
    execute(_PROMOTE, (channel, key, now, gather_s))


def heal(execute: Execute, now: float) -> None:
    """Make rule 2 true for all, whatever has happened to the file, and rule 3, whatever has happened to the clock."""
    execute(_HEAL_YOUNGER)
    execute(_HEAL_OLDEST, (now,))
    execute(_HEAL_FUTURE, (now,))


def turn_back(execute: Execute, seconds: float) -> None:
    """The clock has jumped back by so much: nothing that waits shall wait longer for it."""
    execute(_TURN_BACK, (seconds,))
