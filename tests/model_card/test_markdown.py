"""Texts out of files in the model card."""

from roilab.model_card.markdown import code_span, plain_text


def test_plain_text() -> None:
    assert plain_text("UNet") == "UNet"
    evil = "a\n# <img src=x onerror=alert(1)> [b](javascript:c) | `d`"
    expected = r"a \# \<img src=x onerror=alert(1)\> \[b\](javascript:c) \| \`d\`"
    assert plain_text(evil) == expected


def test_code_span() -> None:
    assert code_span("loose_lf") == "`loose_lf`"
    assert code_span("a`b``c") == "``` a`b``c ```"
    assert code_span("a\n\n| b") == r"`a \| b`"
