"""The letter as a message: its parts, its headers, and what hostile text cannot do to them."""

from __future__ import annotations

import email
import io
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letters import ENVELOPE, MET, OCCASIONS, SENDER
from PIL import Image

from pushtune.notify.attachments import LARGEST_LOG, LARGEST_PATCH, Attachment
from pushtune.notify.compose import Envelope, compose, to_bytes
from pushtune.notify.facts import Changed, CurvePoint, DeliveredFile, Failed, LetterFacts, Measured
from pushtune.notify.identity import is_id, letter_id, thread_id
from pushtune.notify.occasions import Occasion, Outcome
from pushtune.notify.smtp import SmtpChannel
from pushtune.testing.mail_server import mail_server

SUCCESS = Occasion(Outcome.SUCCESS)


def _parsed(message: EmailMessage) -> EmailMessage:
    parsed = email.message_from_bytes(to_bytes(message), policy=SMTP)
    assert isinstance(parsed, EmailMessage)
    return parsed


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert isinstance(body, EmailMessage)
    return str(body.get_content())


def _files(message: EmailMessage) -> dict[str | None, bytes]:
    return {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}  # type: ignore[misc]


def test_a_letter_has_text_html_and_the_picture_in_it() -> None:
    message = _parsed(compose(MET, SUCCESS, ENVELOPE))
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    picture = list(message.walk())[-1]
    assert f'src="cid:{picture["Content-ID"][1:-1]}"' in _part(message, "html")
    assert picture.get_content_disposition() == "inline"
    assert Image.open(io.BytesIO(picture.get_payload(decode=True))).format == "PNG"  # type: ignore[arg-type]


def test_its_headers_are_fixed_and_say_that_a_program_wrote_it() -> None:
    message = _parsed(compose(MET, SUCCESS, ENVELOPE))
    assert message["From"] == "Pushtune <pushtune@example.org>"
    assert message["To"] == "ada@example.org"
    assert message["Date"] == "Thu, 01 Jan 2026 00:00:00 +0000"
    assert message["Message-ID"] == ENVELOPE.message_id
    assert message["In-Reply-To"] == message["References"] == ENVELOPE.thread
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Pushtune-Occasion"] == "success"


def test_composed_again_it_is_the_same_to_the_byte() -> None:
    files = [Attachment("winner.patch", b"--- a\n+++ b\n")]
    one, other = (to_bytes(compose(MET, SUCCESS, ENVELOPE, attachments=files)) for _ in range(2))
    assert one == other


def test_letters_of_one_branch_are_a_thread_and_others_are_not() -> None:
    ids = [thread_id("home", "digits", branch, SENDER) for branch in ("main", "main", "other")]
    assert ids[0] == ids[1] != ids[2]
    letters = {letter_id("home", push, word, SENDER) for push in (1, 2) for word in ("success", "fixed")}
    assert len(letters) == 4
    assert letter_id("another home", 1, "success", SENDER) not in letters
    assert all(is_id(one) for one in [*ids, *letters, letter_id("h", 1, "w", f"a@{'x' * 60}.example.org")])


@pytest.mark.parametrize(
    "broken",
    [
        {"message_id": "<a@b>\r\nBcc: eve@evil.net"},
        {"thread": "<" + "a" * 90 + "@example.org>"},
        {"sender": "pushtune@example.org\nBcc: eve@evil.net"},
        {"recipients": ("ada@example.org, eve@evil.net",)},
    ],
)
def test_an_envelope_that_is_none_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"id|address|control"):
        compose(MET, SUCCESS, replace(ENVELOPE, **broken))  # type: ignore[arg-type]


def test_what_goes_over_the_line_is_plain_ascii_in_short_lines() -> None:
    crowd = tuple(f"person{number}@a-rather-long-name{number}.example.org" for number in range(50))
    hostile = replace(MET, repository="dígits\u2028", subject="z" * 5000, warnings=("ü" * 4000,))
    data = to_bytes(compose(hostile, SUCCESS, replace(ENVELOPE, recipients=crowd)))
    assert data.isascii()
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n"))) <= 78 + 20
    assert email.message_from_bytes(data, policy=SMTP)["To"].count("@") == 50


# --- hostile text -------------------------------------------------------------------------------------


def _hostile(text: str) -> LetterFacts:
    """Return facts with ``text`` in every place that a stranger can write to."""
    measured = Measured(text, 0.9, 0.1, 3, text)
    return LetterFacts(
        text, text, text, text, text, 12, text, text, text, text, "max", text, 0.5, measured, measured,
        (measured,), True, text, 3, text, 1.0, 2, 3, (Changed(text, text, text, text),), (text,), text,
        (DeliveredFile(text, text),), Failed(text, text, text, (text,)), (CurvePoint(1, 0.1, 0.1),), (text,),
    )  # fmt: skip


class _Markup(HTMLParser):
    """Collects elements with their attributes' names, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _markup(message: EmailMessage) -> _Markup:
    markup = _Markup()
    markup.feed(_part(message, "html"))
    return markup


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "\"><img src=x onerror='alert(1)'>",
        "</td></table></style><style>*{display:none}",
        "<!-- gone",
        "{{ 7 * 7 }}{% raw %}",
        "&lt;b&gt;",
    ],
)
@pytest.mark.parametrize("outcome", Outcome)
def test_markup_in_a_commit_is_text_in_the_letter(attack: str, outcome: Outcome) -> None:
    harmless = _markup(compose(_hostile("plain"), Occasion(outcome), ENVELOPE))
    attacked = _markup(compose(_hostile(attack), Occasion(outcome), ENVELOPE))
    assert attacked.elements == harmless.elements
    assert attack in "".join(attacked.text)


headers = ("From", "To", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted")


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=300)
    | st.builds("{}\r\nBcc: eve@evil.net\r\n{}".format, st.text(max_size=40), st.text(max_size=40))
    | st.text(st.sampled_from("\r\n\0\x0b\x0c\x1c\x85\u2028\u2029\udc80 =?:;,<>@é→\t"), max_size=80)
)
def test_no_text_adds_or_changes_a_header(text: str) -> None:
    harmless = _parsed(compose(_hostile("plain"), SUCCESS, ENVELOPE))
    attacked = _parsed(compose(_hostile(text), SUCCESS, ENVELOPE))
    assert attacked.keys() == harmless.keys()
    assert {name: attacked[name] for name in headers} == {name: harmless[name] for name in headers}
    assert attacked["Subject"].isprintable()
    assert len(attacked["Subject"]) <= 120
    assert [part.get_content_type() for part in attacked.walk()] == [
        part.get_content_type() for part in harmless.walk()
    ]


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=60))
def test_a_subject_arrives_as_it_was_written(text: str) -> None:
    message = compose(replace(MET, repository=text, curve=()), SUCCESS, ENVELOPE)
    words = _parsed(message)["Subject"].split()
    assert words == str(message["Subject"]).split()


def test_a_terminal_that_shows_the_text_is_not_steered() -> None:
    text = _part(compose(_hostile("\x1b[2J\x1b]0;owned\x07 \u202eevil"), SUCCESS, ENVELOPE), "plain")
    assert all(character.isprintable() or character == "\n" for character in text)


def test_a_log_of_a_gigabyte_is_a_letter_of_some_kilobytes() -> None:
    failed = Failed("train", "x" * 10_000_000, "", ("y" * 1_000_000,) * 50)
    facts = replace(_hostile("z" * 100_000), failed=failed, changes=(Changed("a", "b", "c"),) * 100_000)
    assert len(to_bytes(compose(facts, Occasion(Outcome.SCRIPT_FAILS), ENVELOPE))) < 300_000


def test_a_metric_of_any_size_is_a_short_number() -> None:
    wild = tuple(Measured("x", value, value, 3) for value in (1e308, 1e-300, float("nan"), float("inf")))
    text = _part(compose(replace(MET, controls=wild), SUCCESS, ENVELOPE), "plain")
    assert [line.split("X")[1].strip() for line in text.splitlines() if line.startswith("  X")] == [
        "1e+308 ± 1e+308  3 seeds",
        "1e-300 ± 1e-300  3 seeds",
        "not a number     3 seeds",
        "not a number     3 seeds",
    ]


def test_the_picture_of_a_long_search_shows_its_end() -> None:
    curve = tuple(CurvePoint(trial, 0.5, 0.9 if trial == 4999 else 0.5) for trial in range(5000))
    long, cut = (
        _parsed(compose(replace(MET, curve=one), SUCCESS, ENVELOPE)) for one in (curve, curve[:4999])
    )
    pictures = [list(message.walk())[-1].get_payload(decode=True) for message in (long, cut)]
    assert pictures[0] != pictures[1]


# --- secrets and attachments --------------------------------------------------------------------------

TOKEN = "ghp_x/Secret+Token=42"


def test_secrets_are_masked_wherever_they_stand() -> None:
    facts = _hostile(f"https://ada:{TOKEN}@example.org and ghp_x%2FSecret%2BToken%3D42 end")
    files = [
        Attachment("build.log", f"token {TOKEN}\n".encode()),
        Attachment(f"{TOKEN}.patch", b"+" + TOKEN.encode()),
    ]
    message = _parsed(compose(facts, SUCCESS, ENVELOPE, attachments=files, secrets=[TOKEN]))
    shown = [str(message.items()), _part(message, "plain"), _part(message, "html"), str(_files(message))]
    for text in shown:
        assert "Secret" not in text
    assert "•••" in shown[1]
    assert "winner.patch" not in shown[1]


def test_a_key_of_several_lines_is_masked_line_by_line() -> None:
    key = "-----BEGIN KEY-----\nQUJDREVGR0hJSktM\nTU5PUFFSU1RVVldY\n-----END KEY-----\n"
    failed = Failed("pull", "no", "", tuple(key.splitlines()))
    message = compose(replace(MET, failed=failed), Occasion(Outcome.SCRIPT_FAILS), ENVELOPE, secrets=[key])
    assert "QUJD" not in _part(message, "plain")
    assert "TU5P" not in _part(message, "html")


def test_a_secret_that_would_be_cut_in_half_is_masked_first() -> None:
    facts = replace(MET, why_stopped="x" * 290 + "correct-horse-battery-staple")
    message = compose(facts, SUCCESS, ENVELOPE, secrets=["correct-horse-battery-staple"])
    assert "correct" not in _part(message, "plain")


def test_no_secret_is_no_mask() -> None:
    message = compose(MET, SUCCESS, ENVELOPE, secrets=["", " ", "a"])
    assert _part(message, "plain") == _part(compose(MET, SUCCESS, ENVELOPE), "plain")


def test_a_patch_and_a_log_are_attached_as_they_are() -> None:
    patch = b"--- a/train.py\r\n+++ b/train.py\r\n-caf\xe9\n+x\n\\ No newline"
    files = [Attachment("winner.patch", patch), Attachment("train.log", b"epoch 1\n")]
    message = _parsed(compose(MET, SUCCESS, ENVELOPE, attachments=files))
    assert _files(message) == {"winner.patch": patch, "train.log": b"epoch 1\n"}
    assert [part.get_content_type() for part in message.iter_attachments()] == ["text/x-patch", "text/plain"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd.txt"),
        ("C:\\Windows\\run.exe", "run.exe.txt"),
        (".bashrc", "bashrc.txt"),
        ("winner.patch\r\nX-Evil: 1", "winner.patch-X-Evil-1.txt"),
        ('a"; filename="b.exe', "a-filename-b.exe.txt"),
        ("", "attachment.txt"),
        ("päth.log", "p-th.log"),
        ("x" * 500 + ".log", "x" * 79 + ".txt"),
    ],
)
def test_names_of_attachments_are_plain(name: str, safe: str) -> None:
    assert list(_files(_parsed(compose(MET, SUCCESS, ENVELOPE, attachments=[Attachment(name, b"x")])))) == [
        safe
    ]


def test_large_files_are_bounded_and_the_letter_says_so() -> None:
    lines = b"".join(b"line %d\n" % number for number in range(100_000))
    files = [Attachment("train.log", lines), Attachment("winner.patch", b"+" * (LARGEST_PATCH + 1))]
    message = _parsed(compose(MET, SUCCESS, ENVELOPE, attachments=files))
    found = _files(message)
    assert list(found) == ["train.log"]
    assert len(found["train.log"]) <= LARGEST_LOG
    assert found["train.log"].startswith(b"line ")
    assert found["train.log"].endswith(b"line 99999\n")
    text = " ".join(_part(message, "plain").split())
    assert "train.log: only its end is attached, of 1,088,890 bytes." in text
    assert "winner.patch is not attached: it has 1,048,577 bytes." in text


# --- a team's own templates ---------------------------------------------------------------------------


def test_a_team_writes_its_own_letter(tmp_path: Path) -> None:
    (tmp_path / "subject.txt.j2").write_text("Model of {{ letter.repository }}:\n {{ letter.step }}\n")
    (tmp_path / "letter.html.j2").write_text(
        "{% extends 'pushtune/letter.html.j2' %}{% block foot %}The vision team <3{% endblock %}"
    )
    message = compose(replace(MET, repository="<b>"), SUCCESS, ENVELOPE, templates=tmp_path)
    assert message["Subject"] == "Model of <b>: accuracy 0.9512 → 0.9903"
    html = _part(message, "html")
    assert "The vision team" in html
    assert "<b>:" not in html
    assert "Target met" in _part(message, "plain")


def test_a_picture_that_a_template_leaves_out_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "letter.html.j2").write_text("<p>{{ letter.headline }}</p>")
    message = compose(MET, SUCCESS, ENVELOPE, templates=tmp_path)
    assert [part.get_content_type() for part in message.walk()][1:] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    "template",
    [
        "{% if %}",
        "{{ letter.no_such_thing }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ letter.__init__.__globals__ }}",
        "{% include '/etc/hostname' %}",
        "{% include '../secret.j2' %}",
        "{% include 'link.j2' %}",
        "{% for a in range(99999) %}{{ letter.headline }}{% endfor %}",
        "{{ 1 / 0 }}",
        "x" * 300_000,
        "\xff",
    ],
)
def test_a_broken_template_costs_a_line_and_not_the_letter(template: str, tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (tmp_path / "secret.j2").write_text("the secret")
    (folder / "link.j2").symlink_to(tmp_path / "secret.j2")
    (folder / "letter.txt.j2").write_bytes(template.encode("latin-1"))
    message = compose(MET, SUCCESS, ENVELOPE, templates=folder)
    text = " ".join(_part(message, "plain").split())
    assert "Target met" in text
    assert "The template letter.txt.j2 of this server is broken, ours was taken" in text
    assert "The template letter.txt.j2" in _part(message, "html")
    assert "the secret" not in text


def test_templates_that_are_not_there_are_ours(tmp_path: Path) -> None:
    assert to_bytes(compose(MET, SUCCESS, ENVELOPE, templates=tmp_path / "gone")) == to_bytes(
        compose(MET, SUCCESS, ENVELOPE)
    )


# --- the whole way ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OCCASIONS)
def test_a_letter_goes_through_a_mail_server_and_arrives_whole(name: str, tmp_path: Path) -> None:
    facts, occasion = OCCASIONS[name]
    data = to_bytes(compose(facts, occasion, ENVELOPE))
    with mail_server(tmp_path, login=True) as server:
        SmtpChannel(server.settings).send(data, ENVELOPE.sender, ENVELOPE.recipients)
        assert [(one.recipients, one.body) for one in server.room.arrived] == [(("ada@example.org",), data)]


def test_an_envelope_needs_no_thread() -> None:
    message = compose(MET, SUCCESS, Envelope(SENDER, ("ada@example.org",), ENVELOPE.message_id, 0.0))
    assert message["References"] is None
