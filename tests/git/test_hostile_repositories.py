"""Repositories that attack whoever fetches them: nothing of theirs runs, nothing is written elsewhere."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushtune.errors import MachineError, PushtuneError, UsageError
from pushtune.git import Limits, Mirror, copying, list_heads
from pushtune.git.records import read_commit, read_person
from pushtune.testing.git_origins import Origin, mirrored, trap


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    origin = Origin(tmp_path / "origin")
    origin.write("train.py", "print(1)\n")
    return origin


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "pushes" / "1" / "checkout"


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_hooks_that_are_committed_or_lie_in_the_origin_do_not_run(
    origin: Origin, tmp_path: Path, out: Path
) -> None:
    names = (
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "post-commit",
        "pre-push",
        "pre-auto-gc",
    )
    traces = []
    for name in names:
        program, trace = trap(tmp_path / "traps", name)
        traces.append(trace)
        for folder in ("hooks", ".githooks"):
            origin.write(f"{folder}/{name}", program.read_bytes()).chmod(0o755)
    sha = origin.commit()
    for name in names:
        origin.write(f".git/hooks/{name}", (tmp_path / "traps" / name).read_bytes()).chmod(0o755)
    mirror = mirrored(origin, tmp_path / "mirror.git")
    # Not even if one came into the mirror itself.
    for name in names:
        hook = mirror.path / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_bytes((tmp_path / "traps" / name).read_bytes())
        hook.chmod(0o755)
    mirror.export(sha, out)
    person = mirror.commit(sha).author
    mirror.set_branch("pushtune/x", mirror.commit_files(sha, {"train.py": b"2"}, "m", person, 0, person))
    mirror.fetch(origin.address)
    assert (out / "hooks" / "post-checkout").exists()
    assert not any(trace.exists() for trace in traces)


def test_programs_named_in_the_origins_configuration_do_not_run(
    origin: Origin, tmp_path: Path, out: Path
) -> None:
    program, trace = trap(tmp_path, "program")
    sha = origin.commit()
    for key in (
        *("core.fsmonitor", "core.sshCommand", "core.gitProxy", "core.pager", "core.editor", "core.askPass"),
        *("uploadpack.packObjectsHook", "remote.origin.uploadpack", "credential.helper", "gpg.program"),
        *("filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "diff.external"),
    ):
        origin.git("config", key, str(program))
    origin.git("config", "alias.upload-pack", f"!{program}")
    origin.git("config", "core.hooksPath", str(tmp_path))
    assert list_heads(origin.address).branches == {"main": sha}
    mirrored(origin, tmp_path / "mirror.git").export(sha, out)
    assert not trace.exists()


def test_a_partial_clone_does_not_make_git_fetch_the_rest_by_its_own_program(
    origin: Origin, tmp_path: Path
) -> None:
    """CVE-2024-32004: serving an object that is missing would start what the repository's settings name."""
    program, trace = trap(tmp_path, "program")
    origin.commit()
    blob = origin.git("rev-parse", "HEAD:train.py")
    (origin.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    for key, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", str(tmp_path / "nowhere")),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", str(program)),
    ):
        origin.git("config", key, value)
    with pytest.raises(PushtuneError):
        mirrored(origin, tmp_path / "mirror.git")
    assert not trace.exists()


def test_filters_in_gitattributes_do_not_run(origin: Origin, tmp_path: Path, out: Path) -> None:
    program, trace = trap(tmp_path, "program")
    origin.write(".gitattributes", "* filter=evil diff=evil merge=evil text eol=crlf ident\n")
    origin.write(".gitconfig", f'[filter "evil"]\n smudge = {program}\n required = true\n')
    origin.write("pointer.bin", "version https://git-lfs.github.com/spec/v1\n")
    sha = origin.commit()
    mirrored(origin, tmp_path / "mirror.git").export(sha, out)
    assert (out / "pointer.bin").read_text() == "version https://git-lfs.github.com/spec/v1\n"
    assert not trace.exists()


def _with_submodule(origin: Origin, modules: str, *links: tuple[str, str, bytes]) -> str:
    """Commit a .gitmodules and tree entries as they stand; the submodule holds a hook that would run."""
    blob = origin.blob(modules.encode())
    train = origin.blob(b"print(1)\n")
    entries = [("100644", blob, b".gitmodules"), ("100644", train, b"train.py"), *links]
    return origin.commit_tree(origin.tree(*sorted(entries, key=lambda entry: entry[2])))


@pytest.fixture
def evil_module(tmp_path: Path) -> tuple[Origin, str, Path]:
    module = Origin(tmp_path / "module")
    program, trace = trap(tmp_path / "traps", "post-checkout")
    module.write("y/hooks/post-checkout", program.read_bytes()).chmod(0o755)
    module.write("post-checkout", program.read_bytes()).chmod(0o755)
    return module, module.commit(), trace


def _nothing_recursed(mirror: Mirror, out: Path, trace: Path, *there: str) -> None:
    assert not trace.exists()
    assert not (mirror.path / "modules").exists()
    assert _files(out) == sorted(there)


def test_a_submodule_that_is_honest_is_left_out(
    origin: Origin, tmp_path: Path, out: Path, evil_module: tuple[Origin, str, Path]
) -> None:
    module, commit, trace = evil_module
    modules = f'[submodule "m"]\n\tpath = m\n\turl = {module.root}\n'
    sha = _with_submodule(origin, modules, ("160000", commit, b"m"))
    mirror = mirrored(origin, tmp_path / "mirror.git")
    assert [file.path for file in mirror.files(sha) if not file.is_file] == ["m"]
    mirror.export(sha, out)
    _nothing_recursed(mirror, out, trace, ".gitmodules", "train.py")


@pytest.mark.parametrize(
    "modules",
    [
        '[submodule "m"]\n\tpath = m\n\turl = {url}\n\tupdate = !{trap}\n',
        '[submodule "../../evil"]\n\tpath = m\n\turl = {url}\n',
        '[submodule "m"]\n\tpath = --upload-pack={trap}\n\turl = {url}\n',
        '[submodule "m"]\n\tpath = m\n\turl = --upload-pack={trap}\n',
        '[submodule "m"]\n\tpath = m\n\turl = ext::{trap}\n',
        '[submodule "m"]\n\tpath = "m\r"\n\turl = {url}\n',
    ],
    ids=["update", "name", "path", "url", "helper", "carriage return"],
)
def test_a_malicious_submodule_is_refused_or_left_out(
    origin: Origin, tmp_path: Path, out: Path, evil_module: tuple[Origin, str, Path], modules: str
) -> None:
    module, commit, trace = evil_module
    text = modules.format(url=module.root, trap=tmp_path / "traps" / "post-checkout")
    sha = _with_submodule(origin, text, ("160000", commit, b"m"))
    mirror = Mirror(tmp_path / "mirror.git")
    try:
        mirror.fetch(origin.address)
    except PushtuneError:
        # Git knows this one and takes nothing of it.
        assert not trace.exists()
        assert not mirror.path.exists()
        return
    mirror.export(sha, out)
    _nothing_recursed(mirror, out, trace, ".gitmodules", "train.py")


def test_a_submodule_whose_path_leads_through_a_link_into_git_writes_nothing_there(
    origin: Origin, tmp_path: Path, out: Path, evil_module: tuple[Origin, str, Path]
) -> None:
    """CVE-2024-32002: the submodule `A/modules/x`, and a link `a` to `.git`, which may be `A`."""
    module, commit, trace = evil_module
    modules = f'[submodule "x/y"]\n\tpath = A/modules/x\n\turl = {module.root}\n'
    inner = origin.tree(("160000", commit, b"x"))
    outer = origin.tree(("40000", inner, b"modules"))
    link = origin.blob(b".git")
    sha = _with_submodule(origin, modules, ("40000", outer, b"A"), ("120000", link, b"a"))
    mirror = mirrored(origin, tmp_path / "mirror.git")
    mirror.export(sha, out)
    _nothing_recursed(mirror, out, trace, ".gitmodules", "a", "train.py")
    assert (out / "a").read_text() == ".git"


def test_a_submodule_whose_path_ends_in_a_carriage_return_writes_nothing_elsewhere(
    origin: Origin, tmp_path: Path, out: Path, evil_module: tuple[Origin, str, Path]
) -> None:
    """CVE-2025-48384: git wrote the path `sub\\r` and read back `sub`, a link to where hooks are."""
    module, commit, trace = evil_module
    modules = f'[submodule "sub"]\n\tpath = "sub\r"\n\turl = {module.root}\n'
    link = origin.blob(b".git/modules/sub/hooks")
    sha = _with_submodule(origin, modules, ("120000", link, b"sub"), ("160000", commit, b"sub\r"))
    mirror = mirrored(origin, tmp_path / "mirror.git")
    mirror.export(sha, out)
    _nothing_recursed(mirror, out, trace, ".gitmodules", "sub", "train.py")
    assert not (out / "sub").is_symlink()


_OUTSIDE = [b".git", b".GIT", b"git~1", b"..", b".", b".g\xe2\x80\x8cit", b".git ", b"../x", b"/etc"]


def _tree_with(origin: Origin, name: bytes) -> str:
    inner = origin.tree(("100755", origin.blob(b"evil"), b"post-checkout"))
    return origin.commit_tree(origin.tree(("40000", inner, name)))


@pytest.mark.parametrize("name", [*_OUTSIDE, b"a/b"])
def test_git_does_not_fetch_a_path_that_leaves_or_is_its_own(
    origin: Origin, tmp_path: Path, name: bytes
) -> None:
    _tree_with(origin, name)
    with pytest.raises(PushtuneError) as raised:
        mirrored(origin, tmp_path / "mirror.git")
    assert str(raised.value).isprintable()
    assert not list(tmp_path.rglob("post-checkout"))


@pytest.mark.parametrize("name", _OUTSIDE)
def test_nor_would_it_be_written_if_git_had_let_it_pass(
    origin: Origin, tmp_path: Path, out: Path, name: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(copying._CHECKED, "transfer.fsckObjects", "false")
    sha = _tree_with(origin, name)
    mirror = mirrored(origin, tmp_path / "mirror.git")
    with pytest.raises(UsageError, match="the path") as raised:
        mirror.export(sha, out)
    assert str(raised.value).isprintable()
    assert not list(tmp_path.rglob("post-checkout"))
    assert not out.exists()


def test_one_name_for_a_link_and_a_folder_is_refused(origin: Origin, tmp_path: Path, out: Path) -> None:
    """A checkout would write the second through the first."""
    link = origin.blob(str(tmp_path / "elsewhere").encode())
    (tmp_path / "elsewhere").mkdir()
    inner = origin.tree(("100644", origin.blob(b"evil"), b"x"))
    sha = origin.commit_tree(origin.tree(("120000", link, b"a"), ("40000", inner, b"a")))
    with pytest.raises(PushtuneError):
        mirrored(origin, tmp_path / "mirror.git").export(sha, out)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert not out.exists()


def test_a_tree_of_trees_of_trees_that_has_a_billion_files_is_given_up(
    origin: Origin, tmp_path: Path, out: Path
) -> None:
    entries = ("100644", origin.blob(b"x"))
    for level in range(9):
        mode, sha = entries
        names = [f"{letter}{level}".encode() for letter in "abcdefghij"]
        entries = ("40000", origin.tree(*((mode, sha, name) for name in names)))
    commit = origin.commit_tree(entries[1])
    mirror = mirrored(origin, tmp_path / "mirror.git")
    for ask in (lambda: mirror.files(commit), lambda: mirror.export(commit, out)):
        with pytest.raises(UsageError, match="more files than can be listed"):
            ask()
    assert mirror.has(commit)


def test_a_file_that_is_small_only_when_packed_is_not_written(
    origin: Origin, tmp_path: Path, out: Path
) -> None:
    with origin.write("bomb.bin", "").open("wb") as bomb:
        bomb.truncate(128 << 20)
    sha = origin.commit()
    mirror = mirrored(origin, tmp_path / "mirror.git")
    assert sum(path.stat().st_size for path in mirror.path.rglob("*.pack")) < 1 << 20
    with pytest.raises(UsageError, match="128 MB, more than 64"):
        mirror.export(sha, out, Limits(bytes=64 << 20))
    with pytest.raises(UsageError, match="more than 1000 bytes"):
        mirror.read(sha, "bomb.bin", 1000)
    assert not out.exists()


def _raw_commit(origin: Origin, *lines: bytes, message: bytes) -> str:
    tree = origin.tree()
    raw = b"\n".join([b"tree " + tree.encode(), *lines, b"", message])
    sha = origin.git("hash-object", "-w", "-t", "commit", "--literally", "--stdin", given=raw)
    origin.git("update-ref", "refs/heads/main", sha)
    return sha


def test_a_commits_texts_cannot_be_more_than_texts(origin: Origin, tmp_path: Path) -> None:
    sha = _raw_commit(
        origin,
        b"author \x1b[31mEve\xe2\x80\xae\x07\t<b>& Co\xff <eve@example.org\x0b> 1700000000 +0000",
        b"committer Eve <eve@example.org> 99999999999999999 +0000",
        b"encoding latin-1",
        b"x-evil author Bob <bob@example.org> 0 +0000",
        message=b"Subject\r\n\r\n\x00\x1b]0;title\x07body\xe2\x80\xaeydob\n" + b"x" * 50_000,
    )
    commit = mirrored(origin, tmp_path / "mirror.git").commit(sha)
    for text in (commit.author.name, commit.author.email, commit.subject):
        assert text.isprintable()
        assert len(text) <= 200
    assert "Eve" in commit.author.name
    assert commit.message.replace("\n", "").isprintable()
    assert commit.message.startswith("Subject\n\n]0;titlebodyydob\nxxx")
    assert len(commit.message) <= 20_000


def test_a_commit_of_many_megabytes_is_refused(origin: Origin, tmp_path: Path) -> None:
    author = b"author A <a@example.org> 1700000000 +0000"
    sha = _raw_commit(origin, author, author.replace(b"author", b"committer"), message=b"x" * (2 << 20))
    with pytest.raises(UsageError, match="more than a megabyte"):
        mirrored(origin, tmp_path / "mirror.git").commit(sha)


def _is_seen(text: str) -> bool:
    return all(unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for sign in text)


@given(st.text(st.characters()))
def test_any_commit_and_any_person_can_be_read(text: str) -> None:
    person, time = read_person(text)
    commit = read_commit("a" * 40, f"author {text}\n\n{text}")
    for part in (person.name, person.email, commit.author.name, commit.subject.replace("\t", "")):
        assert _is_seen(part)
        assert len(part) <= 200
    assert _is_seen(commit.message.replace("\n", "").replace("\t", ""))
    assert abs(time) < 10**18


def test_a_submodule_is_no_way_for_our_own_commit(origin: Origin, tmp_path: Path) -> None:
    commit = origin.commit()
    sha = _with_submodule(origin, "", ("160000", commit, b"m"))
    mirror = mirrored(origin, tmp_path / "mirror.git")
    person = mirror.commit(sha).author
    for path in ("m", "m/train.py", ".git/config"):
        with pytest.raises((UsageError, MachineError)):
            mirror.commit_files(sha, {path: b"x"}, "m", person, 0, person)
