"""Signatures by the examples of the forges' own documentation; bodies that are not as they should be."""

from __future__ import annotations

from typing import Any

import pytest
from deliveries import SENDERS, A, B, push_of_bitbucket_cloud, push_of_bitbucket_server, written
from hypothesis import given
from hypothesis import strategies as some

from pushtune.errors import UsageError
from pushtune.watch.addresses import sameness
from pushtune.watch.forges import FORGES
from pushtune.watch.forges.base import Delivery


def test_the_example_of_githubs_documentation() -> None:
    body = b"Hello, World!"
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    delivery = Delivery({"x-hub-signature-256": signature}, body, 0.0)
    assert FORGES["github"].is_signed(delivery, "It's a Secret to Everybody")
    assert not FORGES["github"].is_signed(delivery, "it's a Secret to Everybody")


def test_the_example_of_bitbuckets_documentation() -> None:
    signature = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    delivery = Delivery({"x-hub-signature": signature}, b"Hello World!", 0.0)
    assert FORGES["bitbucket"].is_signed(delivery, "It's a Secret to Everybody")
    assert not FORGES["bitbucket"].is_signed(delivery, "It's a Secret")


STANDARD = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD_BODY = b'{"test": 2432232314}'


def test_the_example_of_the_standard_webhooks_that_gitlab_follows() -> None:
    assert FORGES["gitlab"].is_signed(Delivery(STANDARD, STANDARD_BODY, 1614265330.0), STANDARD_SECRET)


@pytest.mark.parametrize("good", ["v1,AAAA {}", "{} v1,AAAA", "v1a,xyz {}", "{} {}"])
def test_one_of_several_signatures_is_enough(good: str) -> None:
    headers = {**STANDARD, "webhook-signature": good.replace("{}", STANDARD["webhook-signature"])}
    assert FORGES["gitlab"].is_signed(Delivery(headers, STANDARD_BODY, 1614265330.0), STANDARD_SECRET)


@pytest.mark.parametrize(
    ("name", "value"),
    [("webhook-id", "msg_x"), ("webhook-id", ""), ("webhook-timestamp", "1614265331"),
     ("webhook-timestamp", ""),
     ("webhook-timestamp", "1614265330.0"), ("webhook-timestamp", "-1"), ("webhook-timestamp", "9" * 5000),
     ("webhook-signature", ""), ("webhook-signature", "v1,"), ("webhook-signature", "v2,g0hM9SsE+OTPJTGt")],
)  # fmt: skip
def test_every_part_of_a_signature_counts(name: str, value: str) -> None:
    headers = {**STANDARD, name: value}
    assert not FORGES["gitlab"].is_signed(Delivery(headers, STANDARD_BODY, 1614265330.0), STANDARD_SECRET)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64", "whsec_AAA"])
def test_a_signing_token_that_is_none_signs_nothing(secret: str) -> None:
    assert not FORGES["gitlab"].is_signed(Delivery(STANDARD, STANDARD_BODY, 1614265330.0), secret)


def test_identities_that_could_not_be_kept_are_none() -> None:
    for unfit in ("", "x" * 121, "a b", "a\u00fcb", "a\x00"):
        delivery = Delivery({"x-github-delivery": unfit}, b"body", 0.0)
        (content,) = FORGES["github"].identities(delivery)
        assert content.startswith("sha256:")
        assert len(content) < 200


def read(name: str, body: Any) -> Any:
    sender = SENDERS[name]
    headers = {key.lower(): text for key, text in sender.headers(written(body)).items()}
    return FORGES[sender.path.split("/")[2]].read(Delivery(headers, b"", 0.0), body)


def test_addresses_of_bitbucket_cloud_are_made_from_the_name() -> None:
    body = push_of_bitbucket_cloud()
    del body["repository"]["links"]
    assert read("bitbucket cloud", body).addresses == ("https://bitbucket.org/team/model",)


def test_more_changes_than_anybody_makes_are_cut() -> None:
    body = push_of_bitbucket_server()
    body["changes"] *= 5000
    assert len(read("bitbucket server", body).changes) == 1000


@pytest.mark.parametrize("body", [{"push": {"changes": [{"new": {"type": "branch"}}]}}, {"push": {"changes": [
    {"new": {"type": "branch", "name": "main", "target": {"hash": 5}}}]}}])  # fmt: skip
def test_a_branch_without_name_or_commit_is_refused(body: Any) -> None:
    with pytest.raises(UsageError, match="names no"):
        read("bitbucket cloud", body)


@pytest.mark.parametrize(
    "body", [{}, {"push": 1}, {"push": {"changes": {}}}, {"push": {"changes": [1, None]}}]
)
def test_no_changes_are_no_news(body: Any) -> None:
    assert read("bitbucket cloud", body) is None


# Which addresses are the same


@pytest.mark.parametrize(
    "address",
    ["https://forge.example/team/model", "https://forge.example/team/model.git", "http://forge.example/team/model/",
     "https://forge.example:8443/team/model.git/", "https://ada:word@forge.example/team/model.git",
     "HTTPS://Forge.Example/Team/Model.git", "ssh://git@forge.example:7999/team/model.git",
     "git@forge.example:team/model",
     "git@forge.example:/team/model.git", "forge.example:team/model.git", "git://forge.example/team/model.git",
     "ssh://git@forge.example./team/model"],
)  # fmt: skip
def test_ways_to_write_one_address(address: str) -> None:
    assert sameness(address) == "forge.example/team/model"


@pytest.mark.parametrize(
    "address",
    ["", "/srv/git/model.git", "../model.git", "file:///srv/git/model.git", "ext::sh -c id", "https://",
     "https://forge.example", "git@forge.example::x",
     "https://forge.example/", "https://forge.example/team/../model", "https://forge.example/team//model",
     "C:\\model",
     "https://forge.example/team/model?x=1", "https://forge.example/team/model#x", "https://[::1/team/model",
     "https://forge.example/team/\nmodel", "https://forge.example/" + "a" * 5000,
     "javascript://forge.example/team/model"],
)  # fmt: skip
def test_what_no_forge_would_send_is_the_same_as_nothing(address: str) -> None:
    assert sameness(address) is None


@pytest.mark.parametrize(
    "address", ["https://forge.example.org/team/model", "https://other.example/team/model",
                "https://forge.example/team/model2", "https://forge.example/other/model",
                "https://forge.example@other.example/team/model"]
)  # fmt: skip
def test_another_repository_stays_another(address: str) -> None:
    assert sameness(address) != "forge.example/team/model"


@given(some.text())
def test_any_text_can_be_compared(text: str) -> None:
    found = sameness(text)
    assert found is None or "/" in found


def test_hashes_of_both_lengths() -> None:
    for commit in (A, B, "c3" * 32):
        body = push_of_bitbucket_server(after=commit)
        assert read("bitbucket server", body).changes[0].commit == commit
