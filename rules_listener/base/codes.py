"""The registry of diagnostics: each code, what it means, and the smallest text that causes it.

1. A code is never reused and never changes its meaning.
2. `RL1..` the text is no rule language; `RL2..` names and kinds do not fit; `RL3..` files. RL901 is no longer used.
3. Each `example` causes its code, and only that: a test runs them all.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of diagnostic: `title` in a few words, `meaning` with what to do about it, `example` to see it."""

    code: str
    title: str
    meaning: str
    example: str = ""


_CODES = (
    Code(
        "RL101",
        "unexpected word",
        "A word or sign stands where the language does not allow it. The clauses of a rule have one order: "
        "on, where, pattern, per, actions.",
        'on PROCESS_STATE_EXITED alert "died" where expected == 0',
    ),
    Code(
        "RL102",
        "unreadable character",
        "The text can't be cut into words here: a sign that the language does not have, a number with an unknown unit "
        "or with more than 18 digits. Units of time are ms s m h d w; units of size are KB MB GB KiB MiB GiB.",
        "let limit = 5minutes",
    ),
    Code(
        "RL103",
        "string is not closed",
        "A string ends on the line on which it begins. Write a line break as \\n in a string in double quotes.",
        'on PROCESS_STATE_FATAL alert "gave up',
    ),
    Code(
        "RL104",
        "unknown escape",
        'A string in double quotes knows \\" \\\\ \\n \\t and \\u{1F600}. In single quotes a backslash is a backslash, '
        "which is made for regular expressions.",
        'on PROCESS_LOG where data =~ "\\d+" alert "digits"',
    ),
    Code(
        "RL105",
        "malformed template",
        "In a template, {…} holds an expression; {{ and }} stand for the braces themselves.",
        'on PROCESS_STATE_FATAL alert "{process gave up"',
    ),
    Code(
        "RL106",
        "nested too deeply, or too large",
        "A condition may be nested 200 levels deep and have 20000 parts, names counted as what they stand for. Write a "
        "list with `in` instead of many comparisons, or make it several rules.",
    ),
    Code("RL107", "file is not UTF-8", "Rule files are UTF-8 text. Save the file in that encoding."),
    Code(
        "RL201",
        "no such field or name",
        "The name is neither a field of any selected type of event nor defined with `let`. Which fields a type has is "
        "in the note; a field that only some of the selected types have is allowed, and unknown on the others.",
        "on PROCESS_STATE_EXITED where expcted == 0 shutdown",
    ),
    Code(
        "RL202",
        "unknown event",
        "There is no such type of event, and no `event` statement defines the name.",
        "on PROCESS_STATE_EXITTED shutdown",
    ),
    Code(
        "RL203",
        "name is already taken",
        "A name has one meaning in all loaded files, and does not hide a field, a type of event or a word of the host.",
        "let a = [1]\nlet a = [2]\non PROCESS_STATE_EXITED where pid in a shutdown",
    ),
    Code(
        "RL204",
        "name is defined by itself",
        "A name whose meaning needs its own meaning has none.",
        "let a = not b\nlet b = not a\non PROCESS_STATE_EXITED where a shutdown",
    ),
    Code(
        "RL205",
        "values of different kinds",
        "Only values of one kind can be compared: a text with a text, a number with a number. Use number(text) to read "
        "a number out of a text.",
        'on PROCESS_STATE_EXITED where pid == "7" shutdown',
    ),
    Code(
        "RL206",
        "operator does not fit",
        "The operator is made for another kind of value: =~ like contains startswith endswith for text, < <= > >= for "
        "text, numbers, durations and times.",
        "on PROCESS_STATE_EXITED where pid like '7*' shutdown",
    ),
    Code(
        "RL207",
        "not a condition",
        "Here stands a value where something must be true or false. Compare it with something, or ask has(field).",
        "on PROCESS_STATE_EXITED where groupname shutdown",
    ),
    Code(
        "RL208",
        "regular expression is not valid",
        "Regular expressions are RE2's, which takes time linear in the text and so has no look-around and no back "
        "references (https://github.com/google/re2/wiki/Syntax).",
        "on PROCESS_LOG where data =~ '(a' shutdown",
    ),
    Code(
        "RL209",
        "value can never occur",
        "The field has a fixed set of values, and this is none of them.",
        'on PROCESS_STATE where from_state == "RUNING" shutdown',
    ),
    Code(
        "RL210",
        "unknown function",
        "The language has no such function.",
        'on PROCESS_LOG where lowr(data) == "x" shutdown',
    ),
    Code(
        "RL211",
        "arguments do not fit",
        "The function takes another number or another kind of arguments.",
        "on PROCESS_LOG where lower(pid) == 'x' shutdown",
    ),
    Code(
        "RL212",
        "unknown channel",
        "An alert goes to channels that the configuration file defines under `channels`.",
        'on PROCESS_STATE_FATAL alert "gave up" to pagr',
    ),
    Code(
        "RL213",
        "no list to look in",
        "`in` and `not in` look for a value in a list: [a, b], or a name that stands for one.",
        'on PROCESS_STATE_FATAL where groupname in "web" shutdown',
    ),
    Code(
        "RL214",
        "list of several kinds",
        "All items of a list are of one kind.",
        'on PROCESS_STATE_EXITED where pid in [1, "2"] shutdown',
    ),
    Code(
        "RL215",
        "number or duration out of range",
        "N of `N times`, `N distinct` and `at most N` is a whole number from 1 to 100000; a duration is longer than 0 "
        "and at most ten years; reminders can only be doubled to something that is not shorter.",
        'on PROCESS_STATE_FATAL 0 times in 10m alert "gave up"',
    ),
    Code(
        "RL216",
        "clauses do not fit together",
        "`for` asks how long a process stays in a state: it needs PROCESS_STATE events. `remind` sends an open alert "
        "again: it needs `until`. start, stop, restart and signal need a process: that of the event, or a named one.",
        'on PROCESS_STATE_FATAL alert "gave up" remind every 1h',
    ),
    Code(
        "RL217",
        "unknown signal",
        "`signal` takes the name of a signal of this system, as HUP, TERM or USR1.",
        "on PROCESS_STATE_RUNNING signal HUPP",
    ),
    Code("RL301", "file can't be read", "The file does not exist, or may not be read by this user."),
    Code(
        "RL302",
        "no rules",
        "A rule file or folder was named, and no rule came out of it. Folders are searched for *.rules.",
    ),
    Code(
        "RL303",
        "configuration is not valid",
        "The configuration is strict: a key that it does not know or a value of another kind is an error.",
    ),
    Code(
        "RL304",
        "secret can't be had",
        "A variable or a file that the configuration names can't be used, or a password stands in it as it is. Write "
        "${NAME} for a variable of the listener's environment, file:PATH for the content of a file.",
    ),
)

CODES: dict[str, Code] = {code.code: code for code in _CODES}
"""All codes, by their name, in order."""
