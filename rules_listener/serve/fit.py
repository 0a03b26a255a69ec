"""Whether rules and supervisord.conf fit together: what `check --supervisor-conf` finds.

In go rules that were checked and the path of a configuration; out come diagnostics, and the section that the rules
need if there is anything wrong with the one that is there.

1. It is only read; nothing is asked of a supervisord.
2. Which events rules wait for in vain is said once there is no error in any rule, as all that is said in warnings. A
   secret that is not here hides none of it: it may be set on the host where the listener runs.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from rules_listener.base.diagnostics import Diagnostic, has_errors, in_order
from rules_listener.lang import nodes
from rules_listener.lang.allow import silenced
from rules_listener.lang.definitions import define
from rules_listener.lang.parse import Parsed
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import Loaded, load
from rules_listener.serve.compiler import Checked
from rules_listener.serve.ownsection import OwnSection, fitting_section, lacks_section, own_pool
from rules_listener.serve.reach import Reach
from rules_listener.serve.supervisorconf import Pool, SupervisorConf, read_supervisor_conf
from rules_listener.serve.supervisord import Own
from rules_listener.serve.wanted import Waiting, Where, asked_by, wanted_by

NOT_SET = "RL304"
"""The code of what is said about secrets in the configuration."""


class Fitted(NamedTuple):
    """What was found, and the section as it should be; that is empty if it is right as it is, or not known."""

    found: list[Diagnostic]
    section: str = ""

    @property
    def fits(self) -> bool:
        """Whether nothing was found but comments that allow what is not there."""
        return not any(one.code.startswith("RL5") or has_errors([one]) for one in self.found)


class Listening(NamedTuple):
    """What supervisord.conf says of the listener; None where that can't be told, and why. `pool_name` was asked for."""

    conf: SupervisorConf | None
    pool: Pool | None
    found: list[Diagnostic]
    pool_name: str = ""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that are set there for the listener."""
        return {} if self.pool is None else self.pool.environment


def read_listening(path: Path, pool_name: str = "") -> Listening:
    """What the supervisord.conf at `path` says of the listener; `pool_name` is its section, if that has to be told."""
    conf, found = read_supervisor_conf(path)
    if conf is None:
        return Listening(None, None, found, pool_name)
    return Listening(conf, *own_pool(conf, pool_name), pool_name)


NOT_ASKED = Fitted([])
"""What there is to say where no supervisord.conf was named."""


def fit(rules: Checked, listening: Listening, own: Own, *, logs: Sequence[str] = ()) -> Fitted:
    """Look at rules beside a supervisord.conf; `logs` are the channels that write to standard error.

    `own` is for a section if there is none.
    """
    conf, pool, found = listening.conf, listening.pool, list(listening.found)
    if conf is None:
        return Fitted(found)
    found += [] if pool is None else OwnSection(conf, pool).mistakes(logs)
    if has_errors(one for one in rules.found if one.code != NOT_SET):
        return Fitted(in_order(found))
    loaded = load(compile_rules(rules.rules))
    waiting = waiting_rules(rules.parsed, loaded)
    found += [] if pool is None else OwnSection(conf, pool).not_subscribed(waiting, loaded.types)
    known = pool is not None or lacks_section(conf, listening.pool_name)
    section = fitting_section(conf, pool, loaded.types, own, logs) if found and known else ""
    of_alerts = conditions_of_alerts(rules.parsed)
    reach = Reach(conf, pool, waiting, of_alerts)
    in_vain = chain.from_iterable([*map(reach.rule, waiting), *map(reach.about_alerts, of_alerts)])
    found += silenced(in_vain, [one.source for one in rules.parsed], codes="RL52")
    return Fitted(in_order(found), section)


def conditions_of_alerts(parsed: Sequence[Parsed]) -> list[Where]:
    """The conditions of the routes and mutes of some files, in which there is no error."""
    statements = list(chain.from_iterable(one.statements for one in parsed))
    definitions = define(statements, set(), [])
    about_alerts = [statement for statement in statements if isinstance(statement, nodes.Route | nodes.Mute)]
    return [where for statement in about_alerts for where in asked_by(statement, definitions)]


def waiting_rules(parsed: Sequence[Parsed], loaded: Loaded) -> list[Waiting]:
    """All that the rules of some files wait for; there is no error in them, and `loaded` is their program."""
    statements = list(chain.from_iterable(one.statements for one in parsed))
    definitions = define(statements, set(), [])
    rules = [statement for statement in statements if isinstance(statement, nodes.Rule)]
    return [
        Waiting(node, tuple(wanted_by(node, definitions)), rule.groups, frozenset(Loaded((rule,), (), {}, {}).types))
        for node, rule in zip(rules, loaded.rules, strict=True)
    ]
