"""The registry of diagnostics: each code, what it means, and the smallest text that causes it.

1. A code is never reused and never changes its meaning.
2. `RL1..` the text is no rule language; `RL2..` names and kinds do not fit; `RL3..` files, of which `RL31.` are about
   rule tests, and `RL32.` warnings about channels; `RL4..` warnings, of which `RL41.` are about comments that silence
   others; `RL5..` what does not fit supervisord.conf, of which `RL51.` and `RL52.` are warnings. RL901 is no longer
   used.
3. Each `example` causes its code, and only that; what is `fixed` causes none. A test runs them all.
"""

from rules_listener.base.meaning import CONFIGURATION_FILE, TEST_FILE, Code
from rules_listener.base.supervisorcodes import SUPERVISOR_CODES

_CODES = (
    Code(
        "RL101",
        "unexpected word",
        "A word or sign stands where the language does not allow it. The clauses of a rule have one order: "
        "on, where, pattern, per, actions.",
        'on PROCESS_STATE_FATAL alert "gave up" where groupname == "web"',
        'on PROCESS_STATE_FATAL where groupname == "web" alert "gave up"',
    ),
    Code(
        "RL102",
        "unreadable character",
        "The text can't be cut into words here: a sign that the language does not have, a number with an unknown unit "
        "or with more than 18 digits. Units of time are ms s m h d w; units of size are KB MB GB KiB MiB GiB.",
        "let limit = 5minutes",
        "let limit = 5m",
    ),
    Code(
        "RL103",
        "string is not closed",
        "A string ends on the line on which it begins. Write a line break as \\n in a string in double quotes.",
        'on PROCESS_STATE_FATAL alert "gave up',
        'on PROCESS_STATE_FATAL alert "gave up"',
    ),
    Code(
        "RL104",
        "unknown escape",
        'A string in double quotes knows \\" \\\\ \\n \\t and \\u{1F600}. In single quotes a backslash is a backslash, '
        "which is made for regular expressions.",
        'on PROCESS_LOG where data =~ "\\d+" alert "digits"',
        "on PROCESS_LOG where data =~ '\\d+' alert \"digits\"",
    ),
    Code(
        "RL105",
        "malformed template",
        "In a template, {…} holds an expression; {{ and }} stand for the braces themselves.",
        'on PROCESS_STATE_FATAL alert "{process gave up"',
        'on PROCESS_STATE_FATAL alert "{process} gave up"',
    ),
    Code(
        "RL106",
        "nested too deeply, or too large",
        "A condition may be nested 200 levels deep and have 20000 parts, names counted as what they stand for. Write a "
        "list with `in` instead of many comparisons, or make it several rules.",
        f"on PROCESS_LOG where {'not ' * 200}data contains 'x' shutdown",
        "on PROCESS_LOG where data contains 'x' shutdown",
    ),
    Code(
        "RL107",
        "file is not UTF-8",
        "Rule files are UTF-8 text. Save the file in that encoding.",
        'on PROCESS_STATE_FATAL alert "{process} f\udce4llt aus"',
        'on PROCESS_STATE_FATAL alert "{process} fällt aus"',
    ),
    Code(
        "RL201",
        "no such field or name",
        "The name is neither a field of any selected type of event nor defined with `let`. Which fields a type has is "
        "in the note; a field that only some of the selected types have is allowed, and unknown on the others.",
        'on PROCESS_STATE_FATAL where grupname == "core" shutdown',
        'on PROCESS_STATE_FATAL where groupname == "core" shutdown',
    ),
    Code(
        "RL202",
        "unknown event",
        "There is no such type of event, and no `event` statement defines the name.",
        "on PROCESS_STATE_EXITTED shutdown",
        "on PROCESS_STATE_EXITED shutdown",
    ),
    Code(
        "RL203",
        "name is already taken",
        "A name has one meaning in all loaded files, and does not hide a field, a type of event or a word of the host.",
        "let a = [1]\nlet a = [2]\non PROCESS_STATE_EXITED where pid in a shutdown",
        "let a = [1]\nlet b = [2]\non PROCESS_STATE_EXITED where pid in a or pid in b shutdown",
    ),
    Code(
        "RL204",
        "name is defined by itself",
        "A name whose meaning needs its own meaning has none.",
        "let a = not b\nlet b = not a\non PROCESS_STATE_EXITED where a shutdown",
        "let a = not b\nlet b = pid > 1000\non PROCESS_STATE_EXITED where a shutdown",
    ),
    Code(
        "RL205",
        "values of different kinds",
        "Only values of one kind can be compared: a text with a text, a number with a number. Use number(text) to read "
        "a number out of a text.",
        'on PROCESS_STATE_EXITED where pid == "7" shutdown',
        "on PROCESS_STATE_EXITED where pid == 7 shutdown",
    ),
    Code(
        "RL206",
        "operator does not fit",
        "The operator is made for another kind of value: =~ like contains startswith endswith for text, < <= > >= for "
        "text, numbers, durations and times.",
        "on PROCESS_STATE_EXITED where pid like '7*' shutdown",
        "on PROCESS_STATE_EXITED where pid >= 70 and pid < 80 shutdown",
    ),
    Code(
        "RL207",
        "not a condition",
        "Here stands a value where something must be true or false. Compare it with something, or ask has(field).",
        "on PROCESS_STATE_EXITED where groupname shutdown",
        'on PROCESS_STATE_EXITED where groupname == "core" shutdown',
    ),
    Code(
        "RL208",
        "regular expression is not valid",
        "Regular expressions are RE2's, which takes time linear in the text and so has no look-around and no back "
        "references (https://github.com/google/re2/wiki/Syntax).",
        "on PROCESS_LOG where data =~ '(a' shutdown",
        "on PROCESS_LOG where data =~ '\\(a' shutdown",
    ),
    Code(
        "RL209",
        "value can never occur",
        "The field has a fixed set of values, and this is none of them.",
        'on PROCESS_STATE where from_state == "RUNING" shutdown',
        'on PROCESS_STATE where from_state == "RUNNING" shutdown',
    ),
    Code(
        "RL210",
        "unknown function",
        "The language has no such function.",
        'on PROCESS_LOG where lowr(data) == "x" shutdown',
        'on PROCESS_LOG where lower(data) == "x" shutdown',
    ),
    Code(
        "RL211",
        "arguments do not fit",
        "The function takes another number or another kind of arguments.",
        "on PROCESS_LOG where lower(pid) == 'x' shutdown",
        "on PROCESS_LOG where lower(data) == 'x' shutdown",
    ),
    Code(
        "RL212",
        "unknown channel",
        "An alert goes to channels that the configuration file defines under `channels`.",
        'on PROCESS_STATE_FATAL alert "gave up" to pagr',
        'on PROCESS_STATE_FATAL alert "gave up" to pager',
    ),
    Code(
        "RL213",
        "no list to look in",
        "`in` and `not in` look for a value in a list: [a, b], or a name that stands for one.",
        'on PROCESS_STATE_FATAL where groupname in "web" shutdown',
        'on PROCESS_STATE_FATAL where groupname in ["web"] shutdown',
    ),
    Code(
        "RL214",
        "list of several kinds",
        "All items of a list are of one kind.",
        'on PROCESS_STATE_EXITED where pid in [1, "2"] shutdown',
        "on PROCESS_STATE_EXITED where pid in [1, 2] shutdown",
    ),
    Code(
        "RL215",
        "number or duration out of range",
        "N of `N times`, `N distinct` and `at most N` is a whole number from 1 to 100000; a duration is longer than 0 "
        "and at most ten years; reminders can only be doubled to something that is not shorter.",
        'on PROCESS_STATE_FATAL 0 times in 10m alert "gave up"',
        'on PROCESS_STATE_FATAL 3 times in 10m alert "gave up"',
    ),
    Code(
        "RL216",
        "clauses do not fit together",
        "`for` asks how long a process stays in a state: it needs PROCESS_STATE events. `remind` sends an open alert "
        "again: it needs `until`. start, stop, restart and signal need a process: that of the event, or a named one.",
        'on PROCESS_STATE_FATAL alert "gave up" remind every 1h',
        'on PROCESS_STATE_FATAL alert "gave up" until PROCESS_STATE_RUNNING remind every 1h',
    ),
    Code(
        "RL217",
        "unknown signal",
        "`signal` takes the name of a signal of this system, as HUP, TERM or USR1.",
        "on PROCESS_STATE_RUNNING signal HUPP",
        "on PROCESS_STATE_RUNNING signal HUP",
    ),
    Code(
        "RL218",
        "time that never is",
        "Days are Mon to Sun, or `day` for each of them; hours are 00:00 to 24:00, where 22:00-06:00 goes on after "
        "midnight; moments are written 2026-12-24T18:00. A mute ends after it begins. When summer time begins, clocks "
        "skip an hour.",
        'mute every Sunday 02:00-04:00 because "backup"\non crashed alert "{process} crashed"',
        'mute every Sun 02:00-04:00 because "backup"\non crashed alert "{process} crashed"',
    ),
    Code(
        "RL219",
        "unknown time zone",
        "A zone is one of the time zone database that this host has, as Europe/Paris or UTC. Without a zone, the "
        "host's own clock counts.",
        'mute every Sun 02:00-04:00 Europe/Pari because "backup"\non crashed alert "{process} crashed"',
        'mute every Sun 02:00-04:00 Europe/Paris because "backup"\non crashed alert "{process} crashed"',
    ),
    Code(
        "RL220",
        "mute without a reason",
        "A mute says why: what it holds back is recorded with that reason, and people will ask.",
        'mute groupname == "batch"\non crashed alert "{process} crashed"',
        'mute groupname == "batch" because "it is being rebuilt"\non crashed alert "{process} crashed"',
    ),
    Code(
        "RL301",
        "file can't be read",
        "The file does not exist, or may not be read by this user.",
        file="gone.rules",
    ),
    Code(
        "RL302",
        "no rules",
        "A rule file or folder was named, and no rule came out of it. Folders are searched for *.rules.",
        file="rules/",
    ),
    Code(
        "RL303",
        "configuration is not valid",
        "The configuration is strict: a key that it does not know or a value of another kind is an error.",
        "rules: [example.rules]\ndefault: [out]\nchanels:\n  out: {log: {}}\n",
        "rules: [example.rules]\ndefault: [out]\nchannels:\n  out: {log: {}}\n",
        file=CONFIGURATION_FILE,
    ),
    Code(
        "RL304",
        "secret can't be had",
        "A variable or a file that the configuration names can't be used, or a password stands in it as it is. Write "
        "${NAME} for a variable of the listener's environment, file:PATH for the content of a file.",
        'channels:\n  hook: {webhook: {url: "https://me:secret@example.org/hook"}}\n'
        "rules: [example.rules]\ndefault: [hook]\n",
        'channels:\n  hook: {webhook: {url: "https://me:${HOOK_PASSWORD}@example.org/hook"}}\n'
        "rules: [example.rules]\ndefault: [hook]\n",
        file=CONFIGURATION_FILE,
    ),
    Code(
        "RL311",
        "rule test is not valid",
        "A file of rule tests says which `rules` it is about and has a list of `tests`, each with a name, events or a "
        "recording, and the alerts that are to be sent. It is strict: a key that it does not know or a value of "
        "another kind is an error.",
        "rules: [example.rules]\ntests:\n  - name: it gave up\n    events: []\n    alert: []\n",
        "rules: [example.rules]\ntests:\n  - name: it gave up\n    events: []\n    alerts: []\n",
        file=TEST_FILE,
    ),
    Code(
        "RL312",
        "no such event can come",
        "A line of a rule test says when an event comes, its type, for most types a process, and its fields: "
        "`10s PROCESS_STATE_EXITED web:nginx expected=0`. Fields are those that supervisord sends with that type, and "
        "have the values that it can send.",
        "rules: [example.rules]\ntests:\n  - name: it exited\n    events:\n"
        "      - 0s PROCESS_STATE_EXITED web expcted=0\n    alerts: []\n",
        "rules: [example.rules]\ntests:\n  - name: it exited\n    events:\n"
        "      - 0s PROCESS_STATE_EXITED web expected=0\n    alerts: []\n",
        file=TEST_FILE,
    ),
    Code(
        "RL313",
        "no such alert can be sent",
        "A rule test expects an alert of a rule or to a channel that is not there. A rule without a name is called by "
        "its place, as crash.rules:12.",
        "rules: [example.rules]\ntests:\n  - name: it gave up\n    events: [0s PROCESS_STATE_FATAL web]\n"
        "    alerts: [{rule: gave_up}]\n",
        "rules: [example.rules]\ntests:\n  - name: it gave up\n    events: [0s PROCESS_STATE_FATAL web]\n"
        '    alerts: [{rule: "example.rules:1"}]\n',
        file=TEST_FILE,
    ),
    Code(
        "RL321",
        "channel can't send from here",
        "The program of a `command`, or the folder of a `file`, is not there on this host, or the program may not be "
        "executed: each alert would be tried in vain until it is given up. Correct the path, or make what it names. "
        "Where the configuration is another host's, only that host can tell.",
        'channels:\n  ops: {command: ["/usr/local/bin/no-such-alert", "{message}"]}\n'
        "rules: [example.rules]\ndefault: [ops]\n",
        'channels:\n  ops: {command: ["/bin/sh", "-c", "exit 0"]}\nrules: [example.rules]\ndefault: [ops]\n',
        file=CONFIGURATION_FILE,
    ),
    Code(
        "RL401",
        "name is never used",
        "No rule uses the name, neither itself nor by way of another name. Remove its definition, or use it: a "
        "misspelt name would be an error, but a rule that was to use it may be missing.",
        'let web = ["nginx", "gunicorn"]\non PROCESS_STATE_FATAL alert "{process} gave up"',
        'let web = ["nginx", "gunicorn"]\non PROCESS_STATE_FATAL where groupname in web alert "{process} gave up"',
    ),
    Code(
        "RL402",
        "duplicate rule",
        "Two rules mean the same, so each alert is sent twice. Remove one of them.",
        'on PROCESS_STATE_FATAL alert "{process} gave up"\non gave_up alert "{process} gave up"',
        'on PROCESS_STATE_FATAL alert "{process} gave up"',
    ),
    Code(
        "RL403",
        "shadowed rule",
        "All rules fire, whatever others do. Whenever this one does, another one fires as well and does the same, so "
        "each of its alerts is sent twice. Remove it, give it something else to do, or make the other one leave its "
        "events alone.",
        "on PROCESS_LOG where data contains 'ERROR' alert '{data}'\n"
        "on PROCESS_LOG_STDERR where data contains 'ERROR' alert '{data}'",
        "on PROCESS_LOG_STDOUT where data contains 'ERROR' alert '{data}'\n"
        "on PROCESS_LOG_STDERR where data contains 'ERROR' alert critical '{data}'",
    ),
    Code(
        "RL404",
        "condition is always true",
        "The condition, or this part of it, is true of every event that gets there, so it changes nothing. Leave it "
        "out, or ask for what was meant.",
        'on PROCESS_STATE_EXITED where from_state == "RUNNING" alert "{process} exited"',
        'on PROCESS_STATE_EXITED alert "{process} exited"',
    ),
    Code(
        "RL405",
        "condition is never true",
        "The condition, or this part of it, is true of no event that gets there: the values exclude one another, the "
        "field never has this value in these events, or the events do not have the field, and what is missing is "
        "unknown. To ask for one of several values, write `in [a, b]` or join conditions with `or`. With its group, as "
        "web:nginx, a process is called `process`; `processname` and `groupname` never have a colon.",
        'on PROCESS_STATE where from_state == "RUNNING" and from_state == "STARTING" alert "{process} is gone"',
        'on PROCESS_STATE where from_state in ["RUNNING", "STARTING"] alert "{process} is gone"',
    ),
    Code(
        "RL406",
        "event is selected in vain",
        "The condition after `where` is about all events that stand before it, and is never true of this one; or "
        "another one selects the same events. Leave the event out, or give the others a condition of their own in "
        "parentheses.",
        'on PROCESS_STATE_BACKOFF, PROCESS_STATE_EXITED where expected == 0 alert "{process} crashed"',
        'on PROCESS_STATE_BACKOFF, (PROCESS_STATE_EXITED where expected == 0) alert "{process} crashed"',
    ),
    Code(
        "RL407",
        "crash before startsecs is missed",
        "A program that ends within `startsecs` of its start goes to BACKOFF and never sends EXITED, and no rule is "
        "about BACKOFF of these programs. Select `crashed`, which stands for both, or allow it with the reason why "
        "the rule is about programs alone that were up.",
        'on PROCESS_STATE_EXITED where expected == 0 alert "{process} crashed"',
        'on crashed alert "{process} crashed"',
    ),
    Code(
        "RL408",
        "what is waited for never comes",
        "What stands after `until`, `then` or `without` only counts where it has the key of the event that the rule "
        "selected: its `process`, unless `per` or `overall` says otherwise. No such event can have that key, or its "
        "condition is never true. Select an event of the same process, or keep one for all with `overall`.",
        'on PROCESS_STATE_FATAL alert "{process} gave up" until TICK_3600',
        'on PROCESS_STATE_FATAL alert "{process} gave up" until PROCESS_STATE_RUNNING',
    ),
    Code(
        "RL409",
        "route is never reached",
        "The first route that takes an alert decides where it goes. Routes before this one take all that it would: one "
        "of them has an `else` or no condition, or theirs are true wherever this one's is. Move it up, or remove it.",
        'route severity >= error to ops\nroute severity == critical to pager\non crashed alert "{process} crashed"',
        'route severity == critical to pager\nroute severity >= error to ops\non crashed alert "{process} crashed"',
    ),
    Code(
        "RL410",
        "channel is named twice",
        "The same channel stands twice after one `to`. Each alert goes there once. Leave one of them out, or name the "
        "channel that was meant.",
        "on PROCESS_STATE_FATAL alert '{process} gave up' to ops, ops",
        "on PROCESS_STATE_FATAL alert '{process} gave up' to ops",
    ),
    Code(
        "RL411",
        "allow without a reason",
        "A comment that silences a warning says why, for those who read it later: # allow CODE: the reason.",
        "# allow RL404\non PROCESS_STATE_EXITED where true alert '{process} exited'",
        "# allow RL404: the deployment writes its own condition here\n"
        "on PROCESS_STATE_EXITED where true alert '{process} exited'",
    ),
    Code(
        "RL412",
        "allow of an unknown code",
        "There is no such diagnostic. `rules-listener explain` lists them all.",
        "# allow RL440: the deployment writes its own condition here\non PROCESS_STATE_EXITED alert '{process} exited'",
        "on PROCESS_STATE_EXITED alert '{process} exited'",
    ),
    Code(
        "RL413",
        "allow of what is no warning",
        "Only warnings can be silenced: rules with an error are never loaded, and what is wrong with an allow comment "
        "is put right there.",
        "# allow RL209: may come in a later version\non PROCESS_STATE_EXITED alert '{process} exited'",
        "on PROCESS_STATE_EXITED alert '{process} exited'",
    ),
    Code(
        "RL414",
        "allow silences nothing",
        "There is no such warning where the comment stands: it was put right, or the comment is in the wrong place. A "
        "comment on a line of its own is about the statement that follows it or, within a statement, about the next "
        "line; a comment at the end of a line is about that line, at the end of a statement about that statement.",
        "# allow RL404: the deployment writes its own condition here\non PROCESS_STATE_EXITED alert '{process} exited'",
        "on PROCESS_STATE_EXITED alert '{process} exited'",
    ),
)

CODES: dict[str, Code] = {code.code: code for code in (*_CODES, *SUPERVISOR_CODES)}
"""All codes, by their name, in order."""
