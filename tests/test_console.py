"""Consoles print texts as they are; numbers as tables show them."""

import math

import pytest
from rich.table import Table

from roilab.console import number_or_dash, number_with_errors, table_console, text_console


def test_units_and_names_in_brackets_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """rich would take them for names of styles, and print nothing."""
    table = Table(title="outputs/planes[v]")
    table.add_column("time [s]")
    table.add_row("planes=[u,v] :smile:")
    table_console().print(table)
    text_console().print("frames[v].h5 :x:")
    out = capsys.readouterr().out
    for text in ("outputs/planes[v]", "time [s]", "planes=[u,v] :smile:", "frames[v].h5 :x:"):
        assert text in out


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.0, 0.0, 1.234, "0.0 -0.0 +1.2"),
        (100.0, 97.04, 100.0, "100.0 -3.0 +0.0"),
        (-1.23, -1.73, -0.73, "-1.2 ± 0.5"),
        (2.0, math.nan, math.nan, "2.0"),
    ],
)
def test_numbers_with_errors(value: float, low: float, high: float, text: str) -> None:
    assert number_with_errors(value, low, high) == text


def test_form_of_numbers() -> None:
    assert number_with_errors(1234.5, 1234.0, 1235.0, ",.2f") == "1,234.50 ± 0.50"


def test_no_number_is_a_dash() -> None:
    assert number_or_dash(math.nan, "+.1f") == "-"
    assert number_or_dash(1.25, "+.1f") == "+1.2"
