"""A home's folders: trials of another user pass through to their own, and read nothing of the server's."""

from __future__ import annotations

from pathlib import Path

from pushtune.service.home import opened


def others_may(path: Path) -> int:
    return path.stat().st_mode & 0o007


def test_other_users_pass_through_a_home_and_read_neither_ledger_nor_mirrors(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with opened(home, {}, {}, make=True) as there:
        there.ledger.repositories.all()
        assert [others_may(path) for path in home.glob("ledger.db*")] == [0, 0, 0]
        assert others_may(home / "repositories") == 0
        assert {others_may(home / name) for name in (".", "pushes", "studies")} == {0o001}


def test_a_home_of_before_is_closed_when_it_is_served(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with opened(home, {}, {}, make=True):
        (home / "ledger.db").chmod(0o664)
        (home / "repositories").chmod(0o755)
    with opened(home, {}, {}, make=True):
        assert (home / "ledger.db").stat().st_mode & 0o777 == 0o660
        assert others_may(home / "repositories") == 0
