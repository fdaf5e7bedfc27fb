"""Tokens of repositories are masked like every other secret, also those that came while the server runs."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from watched import Watched

from pushtune.model.home import Home
from pushtune.model.states import StageName
from pushtune.pipeline import Desk
from pushtune.pipeline.errands import AtOnce
from pushtune.service.credentials import Keys, Secrets, save_keys
from pushtune.service.server import make_server

TOKEN = "ghp_0123456789abcdef"


@pytest.fixture
def give(tmp_path: Path) -> Callable[[Home, int, str], Path]:
    """Let a repository be fetched with a token; return the token's file."""

    def give(home: Home, repository: int, token: str) -> Path:
        file = tmp_path / f"token-{repository}"
        file.write_text(f"{token}\n")
        save_keys(home, repository, Keys(str(file), "git"))
        return file

    return give


Give = Callable[[Home, int, str], Path]


def test_every_token_is_one_in_each_form_in_which_it_is_sent(tmp_path: Path, give: Give) -> None:
    home = Home(tmp_path / "home")
    secrets = Secrets(home, ("the mail password",), every=0)
    assert secrets() == ("the mail password",)
    give(home, 1, TOKEN)
    give(home, 2, "another/token")
    assert {"the mail password", TOKEN, "another/token", "another%2Ftoken"} <= set(secrets())
    assert base64.b64encode(f"git:{TOKEN}".encode()).decode() in secrets()


def test_one_that_cannot_be_read_keeps_no_other_from_being_masked(tmp_path: Path, give: Give) -> None:
    home = Home(tmp_path / "home")
    give(home, 1, "gone-token").unlink()
    give(home, 2, TOKEN)
    (tmp_path / "home" / "credentials" / "3.json").write_text("{ torn")
    assert TOKEN in Secrets(home, ())()


def test_a_stage_that_prints_a_token_prints_none(tmp_path: Path, give: Give) -> None:
    watched = Watched(tmp_path)
    give(watched.home, watched.repository.id, TOKEN)
    settings = replace(watched.server.settings, environment="process")
    server = make_server(watched.home, settings, tell=watched.said.append)
    desk = Desk(watched.ledger, watched.push, server=server, errands=AtOnce())
    desk.say(f"fetched with {TOKEN}")
    log = watched.home.log(watched.push, StageName.PULL).read_text()
    assert log == "fetched with •••\n"
    assert TOKEN not in watched.said[-1]
