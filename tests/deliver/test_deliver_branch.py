"""The winner's branch: one commit on top of the pushed one, moved by later pushes and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pushtune.deliver import (
    COMMITTER,
    Delivered,
    Delivery,
    Reached,
    Told,
    branch_name,
    deliver_branch,
    push_branch,
)
from pushtune.errors import UsageError
from pushtune.git import Credentials, Mirror, Person, list_heads
from pushtune.testing.git_origins import HttpServer, Origin, mirrored, serving

TOLD = Told(
    push=7,
    study="push-7-train-0badcafe",
    script="src/train.py",
    metric="accuracy",
    winner=Reached(0.95333, 0.00811, 3),
    baseline=Reached(0.912, 0.0104, 3),
    data="the test set",
    target="accuracy>=0.95",
    target_met=True,
)
MESSAGE = """\
Tune src/train.py: accuracy 0.912 → 0.9533

The accuracy went 0.912 ± 0.0104 → 0.9533 ± 0.00811 (mean ± standard deviation over 3 seeds, \
measured on: the test set).

Pushtune-Study: push-7-train-0badcafe
Pushtune-Script: src/train.py
Pushtune-Metric: accuracy 0.9533 ± 0.00811
Pushtune-Baseline: 0.912 ± 0.0104
Pushtune-Target: accuracy>=0.95 (met)
Pushtune-Push: 7"""


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    origin = Origin(tmp_path / "origin")
    origin.write("src/train.py", "units = 32\r\n").chmod(0o755)
    origin.write("README.md", "Digits\n")
    origin.commit()
    return origin


@pytest.fixture
def mirror(origin: Origin, tmp_path: Path) -> Mirror:
    return mirrored(origin, tmp_path / "mirror.git")


@pytest.fixture
def delivery(origin: Origin) -> Delivery:
    files = {"src/train.py": b"units = 64\r\n"}
    return Delivery(origin.git("rev-parse", "HEAD"), files, TOLD, time=1700003600)


def test_the_winner_is_one_commit_of_the_author_on_top_of_the_pushed_one(
    origin: Origin, mirror: Mirror, delivery: Delivery
) -> None:
    delivered = deliver_branch(mirror, delivery)
    assert delivered.branch == "pushtune/train"
    assert delivered.commit is not None
    assert mirror.branch("pushtune/train") == delivered.commit
    commit = mirror.commit(delivered.commit)
    assert commit.message == MESSAGE
    assert (commit.author, commit.committer) == (Person("Ada Example", "ada@example.org"), COMMITTER)
    assert push_branch(mirror, origin.address, "pushtune/train")
    assert origin.git("diff", "--stat", "main", "pushtune/train").endswith("1 insertion(+), 1 deletion(-)")
    assert origin.git("rev-list", "--count", "main..pushtune/train") == "1"
    assert origin.git("ls-tree", "pushtune/train", "src/train.py").startswith("100755")
    trailers = origin.git("log", "-1", "--format=%(trailers:only,unfold)", "pushtune/train")
    assert trailers == MESSAGE.split("\n\n")[-1]


def test_the_same_delivery_twice_is_the_same_commit(mirror: Mirror, delivery: Delivery) -> None:
    assert deliver_branch(mirror, delivery) == deliver_branch(mirror, delivery)


def test_files_that_are_as_they_were_are_no_change(mirror: Mirror, delivery: Delivery) -> None:
    more = replace(delivery, files={**delivery.files, "README.md": b"Digits\n"})
    assert deliver_branch(mirror, more) == deliver_branch(mirror, delivery)


@pytest.mark.parametrize("files", [{}, {"src/train.py": b"units = 32\r\n"}])
def test_where_nothing_better_was_found_there_is_no_branch(
    mirror: Mirror, delivery: Delivery, files: dict[str, bytes]
) -> None:
    delivered = deliver_branch(mirror, replace(delivery, files=files))
    assert (delivered.branch, delivered.commit) == (None, None)
    assert "nothing better" in delivered.note
    assert mirror.branch("pushtune/train") is None


def test_a_winner_that_is_only_started_otherwise_says_how(mirror: Mirror, delivery: Delivery) -> None:
    told = replace(TOLD, command="python src/train.py --units 64")
    delivered = deliver_branch(mirror, replace(delivery, files={}, told=told))
    assert delivered.commit is not None
    assert (
        "\n\nIt is started as: python src/train.py --units 64\n\n" in mirror.commit(delivered.commit).message
    )


def test_a_later_push_moves_the_branch_and_an_older_one_that_ends_later_does_not(
    origin: Origin, mirror: Mirror, delivery: Delivery
) -> None:
    first = deliver_branch(mirror, delivery)
    origin.write("README.md", "More digits\n")
    later = replace(
        delivery,
        commit=origin.commit(),
        files={"src/train.py": b"units = 128\r\n"},
        told=replace(TOLD, push=12),
    )
    mirror.fetch(origin.address)
    second = deliver_branch(mirror, later)
    assert second.branch == first.branch
    assert second.commit != first.commit
    # Not by a comparison of texts either: push 9 is older than push 12.
    for older in (delivery, replace(delivery, told=replace(TOLD, push=9))):
        kept = deliver_branch(mirror, older)
        assert kept.branch is None
        assert "a later push" in kept.note
    assert mirror.branch("pushtune/train") == second.commit
    # A retry of the same push may find another winner.
    again = deliver_branch(mirror, replace(later, files={"src/train.py": b"units = 256\r\n"}))
    assert mirror.branch("pushtune/train") == again.commit != second.commit


def test_the_caller_may_know_of_a_later_delivery(mirror: Mirror, delivery: Delivery) -> None:
    assert deliver_branch(mirror, delivery, newer_delivered=True).branch is None
    assert mirror.branch("pushtune/train") is None


def test_two_scripts_of_one_name_have_a_branch_each(
    origin: Origin, mirror: Mirror, delivery: Delivery
) -> None:
    origin.write("tests/train.py", "units = 1\n")
    other = replace(
        delivery,
        commit=origin.commit(),
        files={"tests/train.py": b"units = 2\n"},
        told=replace(TOLD, script="tests/train.py", push=8),
    )
    mirror.fetch(origin.address)
    assert deliver_branch(mirror, delivery).branch == "pushtune/train"
    assert deliver_branch(mirror, other).branch == "pushtune/tests-train"
    assert deliver_branch(mirror, delivery).branch == "pushtune/train"
    assert deliver_branch(mirror, other).branch == "pushtune/tests-train"


class TestSeveralBranches:
    """The winners of two pushed branches never overwrite each other, whichever comes first."""

    def deliver(
        self, mirror: Mirror, delivery: Delivery, branch: str, push: int, *, beside: bool = False
    ) -> str:
        told = replace(TOLD, branch=branch, push=push)
        name = deliver_branch(mirror, replace(delivery, told=told, beside=beside)).branch
        assert name is not None
        return name

    def test_the_first_watched_one_has_the_plain_name(self, mirror: Mirror, delivery: Delivery) -> None:
        assert self.deliver(mirror, delivery, "exp/wide", 7, beside=True) == "pushtune/train@exp-wide"
        assert self.deliver(mirror, delivery, "main", 8) == "pushtune/train"
        assert self.deliver(mirror, delivery, "exp/wide", 9, beside=True) == "pushtune/train@exp-wide"
        tip = mirror.commit(mirror.branch("pushtune/train@exp-wide") or "")
        assert "Pushtune-Branch: exp/wide\n" in tip.message

    def test_without_an_order_the_one_that_came_first_keeps_it(
        self, mirror: Mirror, delivery: Delivery
    ) -> None:
        assert self.deliver(mirror, delivery, "main", 7) == "pushtune/train"
        assert self.deliver(mirror, delivery, "dev", 8) == "pushtune/train@dev"
        assert self.deliver(mirror, delivery, "main", 9) == "pushtune/train"

    def test_two_that_are_written_alike_have_one_each(self, mirror: Mirror, delivery: Delivery) -> None:
        names = [
            self.deliver(mirror, delivery, branch, push, beside=True)
            for push, branch in enumerate(("exp/a", "exp-a", "exp a", "äöü", "exp/a", "äöü"), start=7)
        ]
        assert names[0] == names[4] == "pushtune/train@exp-a"
        assert names[3] == names[5]
        assert len(set(names)) == 4

    def test_one_that_is_called_as_a_script_is_in_nobodys_way(
        self, origin: Origin, mirror: Mirror, delivery: Delivery
    ) -> None:
        assert self.deliver(mirror, delivery, "main", 7) == "pushtune/train"
        assert self.deliver(mirror, delivery, "train", 8, beside=True) == "pushtune/train@train"
        assert self.deliver(mirror, delivery, "train/deep", 9, beside=True) == "pushtune/train@train-deep"
        for name in ("train", "train@train", "train@train-deep"):
            assert push_branch(mirror, origin.address, f"pushtune/{name}")

    def test_what_was_delivered_before_branches_were_named_is_gone_on_with(
        self, mirror: Mirror, delivery: Delivery
    ) -> None:
        assert deliver_branch(mirror, delivery).branch == "pushtune/train"
        assert self.deliver(mirror, delivery, "main", 8) == "pushtune/train"


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("train.py", "pushtune/train"),
        ("a/b/My Script (2).py", "pushtune/My-Script-2"),
        ("../../.git/-x..lock", "pushtune/x"),
        ("äöü.py", "pushtune/script"),
        ("--upload-pack=touch x", "pushtune/upload-pack-touch-x"),
        ("x" * 5000 + ".py", "pushtune/" + "x" * 60),
        ("", "pushtune/script"),
    ],
)
def test_the_branch_is_named_after_the_script_whatever_that_is_called(script: str, name: str) -> None:
    assert branch_name(script) == name


@pytest.mark.parametrize("path", ["../elsewhere.py", ".git/config", "/etc/passwd"])
def test_a_winner_with_files_elsewhere_is_refused(mirror: Mirror, delivery: Delivery, path: str) -> None:
    with pytest.raises(UsageError):
        deliver_branch(mirror, replace(delivery, files={path: b"x"}))
    assert mirror.branch("pushtune/train") is None


def test_a_pushed_commit_that_is_gone_is_told(mirror: Mirror, delivery: Delivery) -> None:
    with pytest.raises(UsageError, match="is not here"):
        deliver_branch(mirror, replace(delivery, commit="a" * 40))


def test_a_commit_that_was_overwritten_meanwhile_still_gets_its_branch(
    origin: Origin, mirror: Mirror, delivery: Delivery
) -> None:
    origin.git("commit", "--quiet", "--amend", "-m", "Otherwise")
    origin.git("gc", "--quiet", "--prune=now")
    mirror.fetch(origin.address)
    assert deliver_branch(mirror, delivery).branch == "pushtune/train"


def test_a_hostile_author_of_the_pushed_commit_stays_one_name(origin: Origin, mirror: Mirror) -> None:
    tree = origin.git("rev-parse", "HEAD^{tree}")
    eve = b"\x1b[31m\xe2\x80\xaeEve\x07 X <eve@example.org\x0b> 1700000000 +0000"
    raw = b"tree " + tree.encode() + b"\nauthor " + eve + b"\ncommitter " + eve + b"\n\nPushtune-Push: 99\n"
    sha = origin.git("hash-object", "-w", "-t", "commit", "--literally", "--stdin", given=raw)
    origin.git("update-ref", "refs/heads/main", sha)
    mirror.fetch(origin.address)
    delivered = deliver_branch(mirror, Delivery(sha, {"src/train.py": b"units = 2\n"}, TOLD))
    assert delivered.commit is not None
    assert mirror.commit(delivered.commit).author == Person("[31mEve X", "eve@example.org")
    push_branch(mirror, origin.address, "pushtune/train")
    assert origin.git("log", "-1", "--format=%an <%ae>", "pushtune/train") == "[31mEve X <eve@example.org>"


class TestPushing:
    def test_the_origin_has_the_branch_once_it_is_pushed(
        self, origin: Origin, mirror: Mirror, delivery: Delivery
    ) -> None:
        delivered = deliver_branch(mirror, delivery)
        assert push_branch(mirror, origin.address, "pushtune/train")
        assert list_heads(origin.address).branches["pushtune/train"] == delivered.commit
        assert push_branch(mirror, origin.address, "pushtune/train"), "noted again after a kill"

    def test_a_later_winner_takes_the_place_of_ours_also_from_a_new_mirror(
        self, origin: Origin, mirror: Mirror, delivery: Delivery, tmp_path: Path
    ) -> None:
        deliver_branch(mirror, delivery)
        push_branch(mirror, origin.address, "pushtune/train")
        other = mirrored(origin, tmp_path / "other.git")
        later = deliver_branch(other, replace(delivery, told=replace(TOLD, push=12)))
        assert push_branch(other, origin.address, "pushtune/train")
        assert origin.git("rev-parse", "pushtune/train") == later.commit
        # The first server has the older one.
        assert not push_branch(mirror, origin.address, "pushtune/train")
        assert origin.git("rev-parse", "pushtune/train") == later.commit

    def test_what_a_developer_put_there_is_never_overwritten(
        self, origin: Origin, mirror: Mirror, delivery: Delivery
    ) -> None:
        deliver_branch(mirror, delivery)
        push_branch(mirror, origin.address, "pushtune/train")
        origin.git("checkout", "--quiet", "pushtune/train")
        theirs = origin.commit("By hand, on top of the winner")
        origin.git("checkout", "--quiet", "main")
        deliver_branch(mirror, replace(delivery, told=replace(TOLD, push=12)))
        with pytest.raises(UsageError, match="what pushtune did not put there"):
            push_branch(mirror, origin.address, "pushtune/train")
        assert origin.git("rev-parse", "pushtune/train") == theirs

    def test_over_http_only_who_may_write_can_push(
        self, origin: Origin, mirror: Mirror, delivery: Delivery, tmp_path: Path
    ) -> None:
        delivered = deliver_branch(mirror, delivery)
        with serving(HttpServer(tmp_path, login=("ci", "s3cret"))) as server:
            address = server.address("origin/.git")
            for credentials in (None, Credentials("wrong", "ci")):
                with pytest.raises(UsageError, match="does not let us in"):
                    push_branch(mirror, address, "pushtune/train", credentials)
            assert push_branch(mirror, address, "pushtune/train", Credentials("s3cret", "ci"))
        assert origin.git("rev-parse", "pushtune/train") == delivered.commit

    def test_what_was_not_delivered_cannot_be_pushed(self, origin: Origin, mirror: Mirror) -> None:
        for name in ("pushtune/other", "main"):
            with pytest.raises(UsageError):
                push_branch(mirror, origin.address, name)


def test_a_delivery_that_was_not_made_says_so_in_words() -> None:
    assert Delivered(None, None, "why").note == "why"
