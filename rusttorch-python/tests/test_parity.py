"""Printed results and classes of exceptions against those that PyTorch gave (`record.py`)."""

import json
import pathlib

import cases
import pytest
import record
import rusttorch

RECORDED = json.loads(pathlib.Path(__file__).with_name("recorded.json").read_text())["cases"]
NAMES = {"torch": rusttorch}
exec(cases.SETUP, NAMES)


def test_every_case_is_recorded():
    assert [*RECORDED] == cases.lines(cases.EXPRESSIONS) + cases.lines(cases.ERRORS)
    assert len(cases.lines(cases.ERRORS)) >= 60


@pytest.mark.parametrize("case", RECORDED)
def test_as_pytorch(case):
    assert record.outcome(case, NAMES) == RECORDED[case]
