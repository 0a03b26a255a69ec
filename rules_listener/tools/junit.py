"""The outcome of rule tests as JUnit XML, which CI systems read."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from rules_listener.base.errors import ConfigError
from rules_listener.tools.ruletest import RuleTest

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Outcome(NamedTuple):
    """How a test ended: `report` says what is wrong, and is empty if nothing is. `took_s` is in seconds."""

    test: RuleTest
    report: str
    is_error: bool
    took_s: float


def write_junit(path: Path, outcomes: Mapping[str, Sequence[Outcome]], wrong: str = "") -> None:
    """Write how all tests ended, by their file.

    Where nothing could be run, `wrong` says why; it is the error of a test that stands for all.

    Raises:
        ConfigError: the file can't be written.
    """
    root = ET.Element("testsuites", name="rules-listener")
    if wrong:
        suite = ET.SubElement(root, "testsuite", name="rules-listener")
        case = ET.SubElement(suite, "testcase", classname="rules-listener", name="rules and tests", time="0.000")
        ET.SubElement(case, "error", message=_text(wrong.partition("\n")[0])).text = _text(wrong)
    for file, several in outcomes.items():
        suite = ET.SubElement(root, "testsuite", name=_text(file))
        for outcome in several:
            _add_case(suite, _text(file), outcome)
    for element in (*root, root):
        _count(element)
    ET.indent(root)
    try:
        ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}") from error


def _add_case(suite: ET.Element, file: str, outcome: Outcome) -> None:
    name, line = _text(outcome.test.name), str(outcome.test.place.line)
    time = f"{outcome.took_s:.3f}"
    case = ET.SubElement(suite, "testcase", classname=file, name=name, file=file, line=line, time=time)
    if outcome.is_error:
        ET.SubElement(case, "error", message="the recording can't be read").text = _text(outcome.report)
    elif outcome.report:
        ET.SubElement(case, "failure", message="not sent as expected").text = _text(outcome.report)


def _count(element: ET.Element) -> None:
    """Say of a suite, or of all, how many tests it has and how they ended."""
    element.set("tests", str(len(list(element.iter("testcase")))))
    element.set("failures", str(len(list(element.iter("failure")))))
    element.set("errors", str(len(list(element.iter("error")))))
    element.set("time", f"{sum(float(case.get('time', '0')) for case in element.iter('testcase')):.3f}")


def _text(text: str) -> str:
    """A text without what XML can't hold."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
