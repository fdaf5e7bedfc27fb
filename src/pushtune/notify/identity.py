"""The fixed names of a letter: sent twice it is known for one, and letters of a branch are a thread."""

from __future__ import annotations

import hashlib
import re

_ID = re.compile(r"<[A-Za-z0-9][A-Za-z0-9._+-]*@[A-Za-z0-9][A-Za-z0-9.-]*>")
LONGEST_ID = 64
"""Longer ones do not fit one header line, and the mail library then tears them up."""


def letter_id(home: str, push: int | None, occasion: str, sender: str) -> str:
    """Return the Message-ID of the letter of ``push`` for ``occasion``.

    The same arguments give the same id. ``home`` is what tells this server's pushes from another's: any
    text that is fixed with its ledger. ``sender`` is the address that it is sent from.
    """
    return _id(f"letter {home} {push} {occasion}", sender)


def thread_id(home: str, repository: str, branch: str, sender: str) -> str:
    """Return the id that all letters of one branch refer to; no letter has it itself."""
    return _id(f"thread {home}\0{repository}\0{branch}", sender)


def is_id(text: str) -> bool:
    """Whether ``text`` can be a Message-ID of ours: one short plain token in angle brackets."""
    return len(text) <= LONGEST_ID and _ID.fullmatch(text) is not None


def _id(what: str, sender: str) -> str:
    digest = hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    made = f"<pushtune.{digest}@{sender.rpartition('@')[2]}>"
    return made if is_id(made) else f"<pushtune.{digest}@pushtune.invalid>"
