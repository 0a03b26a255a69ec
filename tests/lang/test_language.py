"""The examples of the language's reference."""

import pytest

from rules_listener.base.source import Source
from rules_listener.lang import nodes
from rules_listener.lang.check import check
from rules_listener.lang.parse import parse

REFERENCE = r"""
# one line: the common case
on PROCESS_STATE_EXITED where expected == 0 and groupname == "cat" alert "{process} died on {host}"

# names for values, lists, conditions and events
let web = ["nginx", "gunicorn"]
let important = groupname in web or groupname like "pay*"
event crashed = (PROCESS_STATE_EXITED where expected == 0), PROCESS_STATE_BACKOFF

rule crash_loop
on crashed where important 3 times in 10m per process
  alert critical "{process} crashed {count} times in {window}" to pager, ops
    until PROCESS_STATE_RUNNING for 1m
    remind every 1h doubling to 8h
    at most 5 per 1h

on PROCESS_STATE_STOPPED for 10m                      alert "{process} is still stopped"
on crashed without PROCESS_STATE_RUNNING within 30s   alert "{process} did not come back"
on PROCESS_STATE_BACKOFF then PROCESS_STATE_FATAL within 5m  alert "{process} gave up"
on no REMOTE_COMMUNICATION where type == "backup-ok" for 25h  alert "no backup for {elapsed}"
on crashed 5 distinct process in 2m overall           alert critical "mass crash: {values}"
on PROCESS_STATE_FATAL where groupname == "core"      shutdown
on PROCESS_STATE_EXITED where expected == 0           run ["/usr/local/bin/alert.py", "-m", "{message}"]
on PROCESS_COMMUNICATION where json(data, "level") == "error"  alert "{json(data, 'text')}"
"""
"""The block of examples of the reference, with the mark of each kind of statement."""

STATEMENTS = parse(Source("reference.rules", REFERENCE)).statements


def test_the_reference_is_read() -> None:
    """Each statement of the reference is read, in its kind, and nothing is said against one."""
    parsed = parse(Source("reference.rules", REFERENCE))
    assert parsed.found == []
    kinds = [type(statement) for statement in parsed.statements]
    assert kinds == [nodes.Rule, nodes.Let, nodes.Let, nodes.EventDefinition, *[nodes.Rule] * 9]


@pytest.mark.parametrize("number", range(len(STATEMENTS)))
def test_each_statement_is_accepted(number: int) -> None:
    """Each statement of the reference is right by itself, with the names that it uses."""
    statement = STATEMENTS[number]
    definitions: list[nodes.Statement] = [node for node in STATEMENTS if not isinstance(node, nodes.Rule)]
    parsed = parse(Source("reference.rules", REFERENCE))
    parsed.statements = definitions if statement in definitions else [*definitions, statement]
    rules, found = check([parsed])
    assert found == []
    assert len(rules.rules) == isinstance(statement, nodes.Rule)


def test_the_whole_reference() -> None:
    """All of the reference together has no mistake, and each of its rules comes out."""
    rules, found = check([parse(Source("reference.rules", REFERENCE))])
    assert found == []
    assert len(rules.rules) == 10
