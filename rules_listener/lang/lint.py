"""What is allowed, and yet most likely no one's intention: warnings about rules that pass all checks.

1. A warning is certain: what is said to be never true is never true, for any event that supervisord can send.
2. Warnings keep no rule from being loaded. `# allow CODE: reason` silences one, for a statement or a line.
3. Only files without an error are looked at: what a wrong statement was about to use or to select is not known.
"""

from collections.abc import Iterable, Sequence
from itertools import chain

from rules_listener.base.diagnostics import Diagnostic
from rules_listener.lang import checked, nodes
from rules_listener.lang.allow import silenced
from rules_listener.lang.awaited import never_comes
from rules_listener.lang.definitions import define
from rules_listener.lang.nesting import Definition, in_order_of_use
from rules_listener.lang.overlaps import Stated, blind_to_backoff, repeated, stated
from rules_listener.lang.parse import Parsed
from rules_listener.lang.selections import Selections
from rules_listener.lang.twice import channels_named_twice
from rules_listener.lang.unreached import idle_conditions, unreached
from rules_listener.lang.unused import unused_names


def lint(parsed: Iterable[Parsed], rules: checked.RuleSet) -> list[Diagnostic]:
    """All warnings about files in which `check` found no error; `rules` is what it made of them."""
    files = list(parsed)
    statements = list(chain.from_iterable(file.statements for file in files))
    rule_nodes = [statement for statement in statements if isinstance(statement, nodes.Rule)]
    all_rules = stated(rule_nodes, rules.rules)
    about_alerts: tuple[checked.Route | checked.Mute, ...] = (*rules.routes, *rules.mutes)
    found = [
        *unused_names(statements),
        *_in_vain(statements, all_rules, [one.condition for one in about_alerts]),
        *unreached([node for node in statements if isinstance(node, nodes.Route)], rules.routes),
        *repeated(all_rules),
        *blind_to_backoff(all_rules),
        *channels_named_twice(statements),
    ]
    return silenced(found, [file.source for file in files], codes="RL4")


def _in_vain(
    statements: Sequence[nodes.Statement], rules: Sequence[Stated], of_alerts: Iterable[checked.Condition | None]
) -> list[Diagnostic]:
    """What definitions and rules select in vain, what rules wait for in vain, and what routes and mutes ask in vain.

    `of_alerts` are the conditions of all routes, then of all mutes.
    """
    definitions = define(statements, set(), [])
    selections = Selections(definitions)
    own = {statement.name.name for statement in statements if isinstance(statement, Definition)}
    for definition in in_order_of_use(definitions.right())[0]:
        if isinstance(definition, nodes.Let):
            selections.value(definition)
        elif definition.name.name in own:
            selections.selector(definition.selector, "so this event never comes")
    for one in rules:
        is_absence = one.rule.pattern is not None and one.rule.pattern.kind == "no"
        consequence = "so this event never comes" if is_absence else "so this rule never fires"
        selections.selector(one.node.selector, consequence)
        selections.found += never_comes(one, selections)
    names = {one.rule.name for one in rules}
    about_alerts = [node for kind in (nodes.Route, nodes.Mute) for node in statements if isinstance(node, kind)]
    return selections.found + idle_conditions(about_alerts, of_alerts, names, selections.hopeless_names)
