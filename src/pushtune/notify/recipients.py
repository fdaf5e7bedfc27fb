"""Who gets the letter: words of the policy and fixed addresses, held to the operator's domains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pushtune.ledger.records import Author
from pushtune.notify.addresses import UnusableAddressError, ascii_domain, refuse_nobody, usable
from pushtune.notify.clean import line

AUTHOR = "author"
COMMITTERS = "committers"
WORDS = (AUTHOR, COMMITTERS)
DEFAULT_RECIPIENTS = (AUTHOR,)
MOST_RECIPIENTS = 50


@dataclass(frozen=True)
class MailPolicy:
    """What the operator allows.

    ``domains``: only these are written to (``example.org``; ``*.example.org`` is every domain below it);
    None is any, ``()`` is none. ``always`` are the operator's own addresses: on every letter, wherever.
    """

    domains: tuple[str, ...] | None = None
    always: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dropped:
    """An address that gets no letter, and why. The address is shortened and printable."""

    address: str
    reason: str


@dataclass(frozen=True)
class Recipients:
    """Who gets the letter, each once, in order; and who does not."""

    addresses: tuple[str, ...]
    dropped: tuple[Dropped, ...] = ()

    @property
    def said(self) -> str:
        """Say it in one line, for the stage's record."""
        to = ", ".join(self.addresses) if self.addresses else "nobody: no recipient is left"
        left = "; ".join(f"{one.address or 'an empty address'} {one.reason}" for one in self.dropped)
        return line(f"to {to}" + (f" (left out: {left})" if left else ""), 1000)


def recipients(
    wishes: Sequence[str], policy: MailPolicy, *, author: Author | None, committers: Sequence[Author] = ()
) -> Recipients:
    """Return who is written to. No recipient is an answer, not an error.

    ``wishes`` are words of ``WORDS`` and addresses; ``committers`` the authors of all commits since the
    branch's last success, this push's among them.
    """
    chosen: dict[str, str] = {}
    dropped: dict[str, Dropped] = {}
    for address, allowed in _candidates(wishes, policy, author, committers):
        try:
            plain = _checked(address, allowed)
            if len(chosen) == MOST_RECIPIENTS and plain.lower() not in chosen:
                raise UnusableAddressError(f"is one too many: a letter goes to {MOST_RECIPIENTS} at most")
        except UnusableAddressError as error:
            dropped.setdefault(address, Dropped(line(address, 80), str(error)))
        else:
            chosen.setdefault(plain.lower(), plain)
    return Recipients(tuple(chosen.values()), tuple(dropped.values())[:MOST_RECIPIENTS])


def _candidates(
    wishes: Sequence[str], policy: MailPolicy, author: Author | None, committers: Sequence[Author]
) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    """Yield addresses with the domains that they are held to, the operator's own first."""
    for address in policy.always:
        yield address, None
    for wish in wishes:
        if wish == AUTHOR:
            people: Sequence[Author] = [author] if author is not None else []
        elif wish == COMMITTERS:
            people = [*([author] if author is not None else []), *committers]
        else:
            yield wish, policy.domains
            continue
        for person in people:
            yield person.email, policy.domains


def _checked(address: str, domains: tuple[str, ...] | None) -> str:
    plain = usable(address)
    domain = plain.rpartition("@")[2]
    if domains is not None and not any(_covers(allowed, domain) for allowed in domains):
        raise UnusableAddressError("is not in the domains that this server writes to")
    # A domain that the operator names in full is theirs, even one without a dot.
    if domains is None or domain not in domains:
        refuse_nobody(plain)
    return plain


def _covers(allowed: str, domain: str) -> bool:
    try:
        if allowed.startswith("*."):
            return domain.endswith("." + ascii_domain(allowed[2:]))
        return domain == ascii_domain(allowed)
    except UnusableAddressError:
        return False
