"""Who gets the letter, and who does not, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushtune.ledger.records import Author
from pushtune.notify.addresses import UnusableAddressError, usable
from pushtune.notify.recipients import MOST_RECIPIENTS, MailPolicy, recipients

ADA = Author("Ada", "ada@example.org")
BOB = Author("Bob", "bob@team.example.org")
ANY = MailPolicy()


def test_the_author_of_the_push() -> None:
    assert recipients(["author"], ANY, author=ADA, committers=[BOB]).addresses == (ADA.email,)


def test_all_who_committed_since_the_last_success_each_once() -> None:
    again = Author("Ada L.", "Ada@Example.ORG")
    found = recipients(["committers", "author"], ANY, author=ADA, committers=[BOB, again, BOB])
    assert found.addresses == (ADA.email, BOB.email)
    assert found.dropped == ()


def test_fixed_addresses_and_the_operators_own() -> None:
    policy = MailPolicy(domains=("example.org",), always=("operator@elsewhere.net",))
    found = recipients(["team@example.org", "author"], policy, author=ADA)
    assert found.addresses == ("operator@elsewhere.net", "team@example.org", "ada@example.org")


def test_only_domains_that_the_operator_allows() -> None:
    policy = MailPolicy(domains=("example.org", "*.example.com"))
    wishes = [
        "a@example.org",
        "b@sub.example.org",
        "c@sub.example.com",
        "d@example.com",
        "e@example.org.evil.net",
    ]
    found = recipients(wishes, policy, author=None)
    assert found.addresses == ("a@example.org", "c@sub.example.com")
    assert {one.reason for one in found.dropped} == {"is not in the domains that this server writes to"}


def test_nobody_is_an_answer_and_is_said() -> None:
    found = recipients(["author"], MailPolicy(domains=()), author=ADA)
    assert found.addresses == ()
    assert found.said == (
        "to nobody: no recipient is left "
        "(left out: ada@example.org is not in the domains that this server writes to)"
    )
    assert recipients(["author"], ANY, author=None).said == "to nobody: no recipient is left"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("1234+ada@users.noreply.github.com", "is a noreply address"),
        ("noreply@example.org", "is a noreply address"),
        ("No-Reply@example.org", "is a noreply address"),
        ("ada@localhost", "leads nowhere"),
        ("ada@build.localdomain", "leads nowhere"),
        ("ada@nothing.invalid", "leads nowhere"),
        ("root@buildhost", "has a domain without a dot"),
        ("root@buildhost.(none)", "has no valid domain"),
        ("ada", "is no mail address"),
        ("", "is no mail address"),
        ("@example.org", "is no mail address"),
        ("ada@example.org, eve@evil.net", "is not one plain address"),
        ("ada@example.org;eve@evil.net", "is not one plain address"),
        ("Ada <ada@example.org>", "is not one plain address"),
        ('"ada eve"@example.org', "is not one plain address"),
        ("ada(comment)@example.org", "is not one plain address"),
        ("ada%evil.net@example.org", "is not one plain address"),
        ("evil.net!ada@example.org", "is not one plain address"),
        ("|program@example.org", "is not one plain address"),
        ("-oQ/tmp@example.org", "is not one plain address"),
        ("ada..b@example.org", "is not one plain address"),
        ("ada@example.org\r\nBcc: eve@evil.net", "has control characters"),
        ("ada@example.org\0", "has control characters"),
        ("ada\u202e@example.org", "has control characters"),
        ("ädä@example.org", "has other letters than ASCII before the @"),
        ("ada@[127.0.0.1]", "has no valid domain"),
        ("ada@127.0.0.1", "has no valid domain"),
        ("ada@-example.org", "has no valid domain"),
        ("ada@example..org", "has no valid domain"),
        ("ada@straße.de", "has a domain that can be read in two ways; write it as xn--…"),
        ("a" * 65 + "@example.org", "is not one plain address"),
        ("ada@" + "x" * 64 + ".org", "has no valid domain"),
        ("ada@" + "x." * 150 + "org", "longer than 254 characters"),
    ],
)
def test_who_cannot_be_written_to_is_left_out_with_the_reason(address: str, reason: str) -> None:
    found = recipients(["committers"], ANY, author=Author("?", address), committers=[ADA])
    assert found.addresses == (ADA.email,)
    assert [one.reason for one in found.dropped] == [reason]
    assert found.said.isprintable()


def test_domains_in_other_letters_are_written_in_idna() -> None:
    policy = MailPolicy(domains=("BÜCHER.example.org",))
    found = recipients(["ada@bücher.example.org", "ada@xn--bcher-kva.example.org"], policy, author=None)
    assert found.addresses == ("ada@xn--bcher-kva.example.org",)


def test_a_name_of_a_host_that_the_operator_lists_is_no_mistake() -> None:
    found = recipients(["author"], MailPolicy(domains=("localhost",)), author=Author("", "ada@localhost"))
    assert found.addresses == ("ada@localhost",)


def test_a_repository_cannot_write_to_the_whole_world() -> None:
    crowd = [Author("", f"person{number}@example.org") for number in range(10_000)]
    found = recipients(["committers"], ANY, author=ADA, committers=crowd)
    assert len(found.addresses) == MOST_RECIPIENTS
    assert len(found.dropped) <= MOST_RECIPIENTS
    assert len(found.said) <= 1000


@given(st.text() | st.builds("{}@{}".format, st.text(), st.text()))
def test_whatever_an_address_is_it_stays_one_plain_token(text: str) -> None:
    try:
        plain = usable(text)
    except UnusableAddressError:
        return
    assert plain.isascii()
    assert plain.isprintable()
    assert plain.count("@") == 1
    assert not set(plain) & set(' \t<>(),;:"\\[]|%!')
    assert usable(plain) == plain
