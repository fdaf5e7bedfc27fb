"""A letter for each occasion, against the text that a reader should see: `expected/OCCASION.txt`."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest
from letters import ENVELOPE, OCCASIONS

from pushtune.notify.compose import compose

EXPECTED = Path(__file__).parent / "expected"


def _shown(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert isinstance(body, EmailMessage)
    return f"Subject: {message['Subject']}\n\n{body.get_content()}"


@pytest.mark.parametrize("name", OCCASIONS)
def test_the_letter_says_what_happened(name: str) -> None:
    facts, occasion = OCCASIONS[name]
    assert _shown(compose(facts, occasion, ENVELOPE)) == (EXPECTED / f"{name}.txt").read_text("utf-8")


def test_no_expected_letter_is_left_over() -> None:
    assert {path.stem for path in EXPECTED.iterdir()} == set(OCCASIONS)


@pytest.mark.parametrize("name", OCCASIONS)
def test_the_text_fits_a_terminal(name: str) -> None:
    facts, occasion = OCCASIONS[name]
    assert max(map(len, _shown(compose(facts, occasion, ENVELOPE)).splitlines()[1:])) <= 76
