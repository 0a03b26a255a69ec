"""Names that no rule needs (RL401).

1. All files count together. What only an unused name uses is unused too, and its diagnostic says so.
2. Files without any rule are there to be used by others: nothing in them is unused.
"""

from collections.abc import Iterable, Iterator

from rules_listener.base.diagnostics import Diagnostic, warning
from rules_listener.lang import nodes
from rules_listener.lang.nesting import Definition, defined, names_in


def unused_names(statements: Iterable[nodes.Statement]) -> list[Diagnostic]:
    """A warning for each definition that no rule, route or mute uses, not even by way of other definitions."""
    statements = list(statements)
    rules = [statement for statement in statements if isinstance(statement, nodes.Rule)]
    definitions = {one.name.name: one for one in statements if isinstance(one, Definition)}
    users: dict[str, list[str]] = {}
    for name, definition in definitions.items():
        for other in {one.name for one in names_in(defined(definition))} & definitions.keys():
            users.setdefault(other, []).append(name)
    used = _reached({name.name for one in statements for name in _names_used(one)}, definitions)
    return [_unused(one, users.get(name, [])) for name, one in definitions.items() if rules and name not in used]


def users(name: str, statements: Iterable[nodes.Statement]) -> list[nodes.Statement]:
    """The rules, routes and mutes that need a definition, also by way of others."""
    statements = list(statements)
    definitions = {one.name.name: one for one in statements if isinstance(one, Definition)}
    return [one for one in statements if name in _reached({used.name for used in _names_used(one)}, definitions)]


def _names_used(statement: nodes.Statement) -> Iterable[nodes.Name]:
    match statement:
        case nodes.Rule():
            return _names_in_rule(statement)
        case nodes.Route() | nodes.Mute() if statement.condition is not None:
            return names_in(statement.condition)
    return ()


def _names_in_rule(rule: nodes.Rule) -> Iterator[nodes.Name]:
    for selector in _selectors_of(rule):
        yield from names_in(selector)
    for action in rule.actions:
        for template in _templates(action):
            for part in template.parts:
                yield from () if isinstance(part, str) else names_in(part)


def _selectors_of(rule: nodes.Rule) -> Iterator[nodes.Selector]:
    """All selectors in a rule: its own, its pattern's, and those of its alerts' `until`."""
    yield rule.selector
    if rule.pattern is not None and rule.pattern.selector is not None:
        yield rule.pattern.selector
    for action in rule.actions:
        if isinstance(action, nodes.Alert) and action.until is not None:
            yield action.until.selector


def _templates(action: nodes.Action) -> tuple[nodes.Template, ...]:
    match action:
        case nodes.Alert():
            return (action.template,)
        case nodes.Run():
            return action.arguments
        case nodes.ProcessAction():
            return () if action.target is None else (action.target,)


def _reached(names: set[str], definitions: dict[str, Definition]) -> set[str]:
    """Some names, and all that their definitions need."""
    reached = set[str]()
    waiting = list(names & definitions.keys())
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += {one.name for one in names_in(defined(definitions[name]))} & definitions.keys()
    return reached


def _unused(definition: Definition, users: list[str]) -> Diagnostic:
    name = definition.name
    if not users:
        message, label = f"`{name.name}` is never used", ""
    else:
        message = f"`{name.name}` is used by no rule"
        label = f"only by {' and '.join(f'`{user}`' for user in users)}, which no rule uses either"
    return warning("RL401", message, name.span, label)
