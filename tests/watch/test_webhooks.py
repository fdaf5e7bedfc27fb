"""Webhooks over real sockets: what each forge sends is understood, what anybody else sends is refused."""

from __future__ import annotations

import urllib.parse
from typing import Any

import pytest
from deliveries import (
    ADDRESS,
    NO_COMMIT,
    NOW,
    SECRET,
    SENDERS,
    SIGNING_TOKEN,
    A,
    B,
    Client,
    Sender,
    github,
    gitlab_signed,
    push_of_bitbucket_cloud,
    push_of_github,
    push_of_gitlab,
    written,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from webhook_house import House, delivered

from pushtune.errors import SettingsError
from pushtune.watch.http_server import Request
from pushtune.watch.webhooks import Webhooks

# What the forges send


def test_a_push_is_told_of_the_repository_that_is_known(house: House, client: Client, sender: Sender) -> None:
    assert delivered(client, sender, sender.push()) == 202
    (news,) = house.told
    assert (news.repository, news.branch, news.commit, news.told_by) == (7, "main", B, "webhook")
    assert (news.forge, news.delivery, news.address) == (sender.path.split("/")[2], "d-1", None)


def test_a_deleted_branch_is_told(house: House, client: Client, sender: Sender) -> None:
    assert delivered(client, sender, sender.push("refs/heads/old/idea", NO_COMMIT)) == 202
    assert [(news.branch, news.commit, news.deleted) for news in house.told] == [("old/idea", None, True)]


def test_tags_are_of_no_concern(house: House, client: Client, sender: Sender) -> None:
    assert delivered(client, sender, sender.push("refs/tags/v1")) == 204
    assert not house.told


def test_other_events_are_of_no_concern(house: House, client: Client, sender: Sender) -> None:
    assert delivered(client, sender, sender.push(), event="issues") == 204
    assert not house.told


@pytest.mark.parametrize("forge", ["github", "gitea", "forgejo"])
def test_forges_that_send_deletions_as_an_event_of_their_own(
    house: House, client: Client, forge: str
) -> None:
    body = {**push_of_github(), "ref": "old", "ref_type": "branch"}
    assert delivered(client, SENDERS[forge], body, event="delete") == 202
    assert (
        delivered(client, SENDERS[forge], {**body, "ref_type": "tag"}, event="delete", delivery="d-2") == 204
    )
    assert [(news.branch, news.deleted) for news in house.told] == [("old", True)]


def test_several_branches_in_one_push(house: House, client: Client) -> None:
    body = push_of_bitbucket_cloud()
    body["push"]["changes"] += push_of_bitbucket_cloud("refs/heads/next", A)["push"]["changes"]
    assert delivered(client, SENDERS["bitbucket cloud"], body) == 202
    assert [(news.branch, news.commit) for news in house.told] == [("main", B), ("next", A)]


def test_a_ping_is_answered(house: House, client: Client) -> None:
    body = written({"zen": "Keep it logically awesome.", "hook_id": 1})
    answer = client.post("/hooks/github", body, github(body, event="ping"))
    assert (answer.status, answer.body) == (200, b"pong\n")
    unsigned = client.post("/hooks/github", body, github(body, event="ping", secret="x" * 20))
    assert unsigned.status == 401
    assert not house.told


def test_the_connection_test_of_bitbucket_server_is_not_signed(house: House, client: Client) -> None:
    body = written({"test": True})
    answer = client.post("/hooks/bitbucket", body, {"X-Event-Key": "diagnostics:ping"})
    assert (answer.status, answer.body) == (200, b"pong\n")
    assert not house.told


def test_a_form_of_github_is_understood(house: House, client: Client) -> None:
    body = urllib.parse.urlencode({"payload": written(push_of_github()).decode()}).encode()
    answer = client.post("/hooks/github", body, github(body), "application/x-www-form-urlencoded")
    assert answer.status == 202
    assert [news.commit for news in house.told] == [B]


def test_system_hooks_of_gitlab_name_the_event_in_the_body(house: House, client: Client) -> None:
    body = push_of_gitlab()
    del body["object_kind"]
    assert delivered(client, SENDERS["gitlab"], body, event="System Hook") == 202
    other = {**body, "event_name": "tag_push"}
    assert delivered(client, SENDERS["gitlab"], other, event="System Hook", delivery="d-2") == 204


def test_while_a_secret_is_changed_both_are_good(house: House) -> None:
    house.secrets = {"github": ("the secret of last year", SECRET)}
    client = house.open()
    assert delivered(client, SENDERS["github"], push_of_github()) == 202
    body = written(push_of_github(after=A))
    old = github(body, secret="the secret of last year", delivery="d-2")
    assert client.post("/hooks/github", body, old).status == 202


# What anybody else sends


def test_a_forged_delivery_is_refused(house: House, client: Client, sender: Sender) -> None:
    secret = "whsec_" + "A" * 44 if sender.secret == SIGNING_TOKEN else "a secret that is not the one"
    body = written(sender.push())
    assert client.post(sender.path, body, sender.headers(body, secret=secret)).status == 401
    assert not house.told
    assert not house.taken


# GitLab's plain token signs nothing, as its documentation says.
@pytest.mark.parametrize("name", sorted(set(SENDERS) - {"gitlab"}))
def test_a_changed_body_is_refused(house: House, client: Client, name: str) -> None:
    sender = SENDERS[name]
    headers = sender.headers(written(sender.push()), secret=sender.secret)
    assert client.post(sender.path, written(sender.push(after=A)), headers).status == 401
    assert not house.told


SIGNATURES = ("X-Hub-Signature-256", "X-Hub-Signature", "X-Gitea-Signature", "X-Forgejo-Signature",
              "X-Gitlab-Token", "webhook-signature")  # fmt: skip


@pytest.mark.parametrize("change", ["", "{}0", "{:.20}", "sha1={}", "{}\u00fc", "sha256=", "v1,"])
def test_a_missing_or_misshapen_signature_is_answered_like_a_wrong_one(
    house: House, client: Client, sender: Sender, change: str
) -> None:
    body = written(sender.push())
    good = sender.headers(body, secret=sender.secret)
    wrong = {name: change.format(text) if name in SIGNATURES else text for name, text in good.items()}
    if not change:
        wrong = {name: text for name, text in good.items() if name not in SIGNATURES}
    unknown = written(sender.push()).replace(b"team/model", b"team/another")
    told_apart = client.post(sender.path, unknown, sender.headers(unknown, secret=sender.secret))
    assert client.post(sender.path, body, wrong).same == told_apart.same
    assert told_apart.status == 401
    assert not house.told


def test_a_signature_sent_twice_is_none(house: House, client: Client) -> None:
    body = written(push_of_github())
    extra = "sha256=" + "0" * 64 + "\r\nX-Hub-Signature-256: " + github(body)["X-Hub-Signature-256"]
    assert client.post("/hooks/github", body, {**github(body), "X-Hub-Signature-256": extra}).status == 401
    assert not house.told


def test_a_forge_without_a_secret_is_refused_whatever_it_sends(house: House, sender: Sender) -> None:
    house.secrets = {"github": ()}
    client = house.open()
    body = written(sender.push())
    for secret in ("", "None", sender.secret):
        if sender.path != "/hooks/gitlab" or secret.startswith("whsec_") == (sender.secret == SIGNING_TOKEN):
            assert client.post(sender.path, body, sender.headers(body, secret=secret)).status == 401
    assert not house.told


def test_a_delivery_is_taken_once(house: House, client: Client, sender: Sender) -> None:
    assert delivered(client, sender, sender.push()) == 202
    assert delivered(client, sender, sender.push()) == 409
    assert len(house.told) == 1


@pytest.mark.parametrize("forge", ["github", "gitea", "forgejo", "bitbucket server"])
def test_a_replay_under_another_name_is_known_by_its_body(house: House, client: Client, forge: str) -> None:
    assert delivered(client, SENDERS[forge], SENDERS[forge].push()) == 202
    assert delivered(client, SENDERS[forge], SENDERS[forge].push(), delivery="d-2") == 409
    assert len(house.told) == 1


def test_the_same_push_made_again_is_no_replay_where_bodies_bear_no_date(
    house: House, client: Client
) -> None:
    sender = SENDERS["bitbucket cloud"]
    assert delivered(client, sender, sender.push()) == 202
    assert delivered(client, sender, sender.push(), delivery="d-2") == 202


@pytest.mark.parametrize(("at", "status"), [(-299, 202), (299, 202), (-301, 401), (301, 401)])
def test_an_old_signature_of_gitlab_is_refused(house: House, client: Client, at: int, status: int) -> None:
    body = written(push_of_gitlab())
    assert client.post("/hooks/gitlab", body, gitlab_signed(body, at=NOW + at)).status == status


def test_a_signing_token_is_never_taken_as_a_plain_one(house: House, client: Client) -> None:
    body = written(push_of_gitlab())
    headers = {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": SIGNING_TOKEN}
    assert client.post("/hooks/gitlab", body, headers).status == 401


@pytest.mark.parametrize(
    "address",
    ["http://169.254.169.254/latest/meta-data", "http://localhost:8080/team/model.git", "file:///srv/git/local.git",
     "/srv/git/local.git", "ext::sh -c id", "--upload-pack=id", "https://forge.example/team/model.git/../../x",
     "https://forge.example/team/model.git?x=1", ""],
)  # fmt: skip
def test_addresses_in_a_body_lead_nowhere(house: House, client: Client, address: str) -> None:
    body = {**push_of_github(), "repository": {"clone_url": address, "url": address}}
    assert delivered(client, SENDERS["github"], body) == 401
    assert not house.told


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"ref": NaN}', b"[" * 500_000, b'{"a":' * 100_000,
     b'{"ref": "refs/heads/main", "after": 1}', b'{"ref": 7}', b"1" * 100_000,
     written(push_of_github("refs/heads/-u")), written(push_of_github("refs/heads/a..b")),
     written(push_of_github("refs/heads/\ud800")), written(push_of_github("refs/heads/" + "x" * 10_000)),
     written(push_of_github("refs/heads/a\nb")), written(push_of_github(after="HEAD")),
     written(push_of_github(after="--force"))],
)  # fmt: skip
def test_signed_nonsense_is_refused(house: House, client: Client, body: bytes) -> None:
    assert client.post("/hooks/github", body, github(body)).status == 400
    assert not house.told
    assert all(note.isprintable() for note in house.notes)


@pytest.mark.parametrize("body", [b"", b"payload", b"payload=%FF", b"payload=1&payload=2", b"x=1&" * 20])
def test_a_form_that_is_none_is_refused(house: House, client: Client, body: bytes) -> None:
    answer = client.post("/hooks/github", body, github(body), "application/x-www-form-urlencoded")
    assert answer.status == 400


leaves = some.none() | some.booleans() | some.integers() | some.text(max_size=20) | some.just("refs/heads/x")
shapes = some.recursive(
    leaves,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
)
places = some.sampled_from(
    ["ref", "after", "repository", "project", "push", "changes", "deleted", "ref_type"]
)
events = some.sampled_from(["push", "delete", "repo:push", "repo:refs_changed", "Push Hook", "System Hook"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.sampled_from(sorted(SENDERS)), some.dictionaries(places, shapes, max_size=6), events)
def test_no_body_makes_the_server_stumble(name: str, extra: dict[str, Any], event: str) -> None:
    sender, told = SENDERS[name], []
    webhooks = Webhooks(
        {sender.path.split("/")[2]: (sender.secret,)}, lambda: [(7, ADDRESS)], lambda forge, identity: True,
        told.append, clock=lambda: NOW,
    )  # fmt: skip
    body = written({**sender.push(), **extra})
    headers = {
        key.lower(): text for key, text in sender.headers(body, secret=sender.secret, event=event).items()
    }
    answer = webhooks.answer(
        Request("POST", sender.path, {**headers, "content-type": "application/json"}, body)
    )
    assert answer.status in (202, 204, 400, 401)
    assert bool(told) == (answer.status == 202)


signed = some.sampled_from([*(name.lower() for name in SIGNATURES), "webhook-id", "webhook-timestamp"])


@settings(max_examples=300, deadline=None)
@given(some.dictionaries(signed, some.text()), some.binary(), some.sampled_from(sorted(SENDERS)))
def test_no_headers_pass_for_a_signature(headers: dict[str, str], body: bytes, name: str) -> None:
    path = SENDERS[name].path
    webhooks = Webhooks(
        {path.split("/")[2]: (SENDERS[name].secret,)}, list, lambda forge, identity: True, lambda news: None
    )
    given = {**headers, "content-type": "application/json", "x-github-event": "ping"}
    assert webhooks.answer(Request("POST", path, given, body)).status == 401


def test_a_flood_of_refusals_does_not_fill_the_log() -> None:
    notes: list[str] = []
    times = iter([0.0] * 100 + [30.0] * 100 + [61.0] * 100)
    webhooks = Webhooks(
        {},
        list,
        lambda forge, identity: True,
        lambda news: None,
        note=notes.append,
        clock=lambda: next(times),
    )
    for _ in range(150):
        webhooks.answer(Request("POST", "/hooks/gitea", {"content-type": "application/json"}, b"{}"))
    line = "a webhook of gitea was refused: its signature is missing or wrong"
    assert notes == [line, f"{line} (and 99 times more since it was said last)"]


def test_whatever_it_is_refused_for_it_is_answered_at_the_same_time() -> None:
    webhooks = Webhooks({"github": (SECRET,)}, list, lambda forge, identity: True, lambda news: None)
    body = written(push_of_github())
    for headers in ({}, github(body), github(body, secret="another secret")):
        given = {name.lower(): text for name, text in headers.items()} | {"content-type": "application/json"}
        answer = webhooks.answer(Request("POST", "/hooks/github", given, body))
        assert (answer.status, answer.even) == (401, True)


@pytest.mark.parametrize("secrets", [{"github": ("short",)}, {"github": ("",)}, {"sourceforge": (SECRET,)}])
def test_secrets_that_protect_nothing_are_refused(secrets: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(SettingsError):
        Webhooks(secrets, list, lambda forge, identity: True, lambda news: None)
