"""What may be broken becomes lines of a given width."""

import pytest

from rules_listener.lang.layout import Group, IfBroken, Indented, Layout, NewLine, Place, Remark, lay_out

SPACE, NOTHING = Place(" "), Place("")


def bracket(*items: Layout) -> Layout:
    """Items in brackets."""
    inside = [part for item in items for part in (",", SPACE, item)][2:]
    return "[", Group((Indented(2, (NOTHING, *inside, IfBroken(","))), NOTHING, "]"))


LAYOUTS: dict[str, tuple[Layout, list[str]]] = {
    "nothing": ("", [""]),
    "a word that is too long": ("abcdefghijklm", ["abcdefghijklm"]),
    "it fits to the last column": (Group(("abcd", SPACE, "efghi")), ["abcd efghi"]),
    "one column too many": (Group(("abcd", SPACE, "efghij")), ["abcd", "efghij"]),
    "a group is broken as a whole": (Group(("abcd", SPACE, "ef", SPACE, "ghij")), ["abcd", "ef", "ghij"]),
    "an inner group stays": (Group(("abcd", SPACE, Group(("ef", SPACE, "ghi")))), ["abcd", "ef ghi"]),
    "the outermost group is broken first": (
        Group((Group(("ab", SPACE, "cd")), SPACE, Group(("ef", SPACE, "gh")))),
        ["ab cd", "ef gh"],
    ),
    "what follows a group has to fit too": ((Group(("ab", SPACE, "cd")), "efghij"), ["ab", "cdefghij"]),
    "what follows counts up to where a line may end": (
        Group((Group(("abc", SPACE, "def")), SPACE, "ghijklmn")),
        ["abc def", "ghijklmn"],
    ),
    "a list that fits": (bracket("a", "b"), ["[a, b]"]),
    "a list that does not fit": (bracket("abc", "def", "ghi"), ["[", "  abc,", "  def,", "  ghi,", "]"]),
    "a list in a list": (
        bracket("abc", bracket("def", "g")),
        ["[", "  abc,", "  [", "    def,", "    g,", "  ],", "]"],
    ),
    "brackets that follow each other": ((bracket("ab"), " == ", bracket("cde")), ["[ab] == [", "  cde,", "]"]),
    "a new line breaks the groups around it": (
        Group(("a", SPACE, Group(("b", NewLine(), "c")))),
        ["a", "b", "c"],
    ),
    "a group beside a new line stays": (Group((Group(("a", SPACE, "b")), NewLine(), "c")), ["a b", "c"]),
    "a remark breaks the groups around it": (
        Group(("a", Remark("# r"), NewLine(), "b", SPACE, "c")),
        ["a  # r", "b", "c"],
    ),
    "a remark does not count": (
        (Group(("abcd", SPACE, "efghi")), Remark("# a long remark"), NewLine()),
        ["abcd efghi  # a long remark", ""],
    ),
    "a remark at the beginning of a line": (Indented(2, (NewLine(), Remark("# r"), NewLine(), "a")), ["  # r", "  a"]),
    "no line is empty, and none ends in spaces": (("a ", NewLine(), NewLine(), "b "), ["a", "b"]),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_layout(case: str) -> None:
    """In ten columns, a layout becomes these lines."""
    layout, lines = LAYOUTS[case]
    assert lay_out(layout, 10) == lines


def test_a_deep_layout() -> None:
    """However deeply groups are nested, they can be laid out."""
    layout: Layout = "a"
    for _ in range(5000):
        layout = Group(Indented(1, (NOTHING, layout)))
    assert lay_out(layout, 10) == ["a"]
