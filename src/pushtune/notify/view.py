"""A letter's facts as its templates show them: every figure in words, every list bounded.

Teams write templates against ``LetterView``: a field may be added, none is renamed.
"""

from __future__ import annotations

from dataclasses import dataclass

from pushtune.notify import words
from pushtune.notify.clean import line
from pushtune.notify.facts import Changed, DeliveredFile, Failed, LetterFacts, Measured
from pushtune.notify.occasions import Occasion, Outcome

MOST_CHANGES = 20
MOST_WARNINGS = 10
_MOST_FILES = 12
_MOST_COMMANDS = 12
_MOST_CONTROLS = 4


@dataclass(frozen=True)
class Row:
    """One measured program: ``Winner``, ``0.9903 ± 0.0012``, ``test set, 3 seeds``."""

    name: str
    value: str
    note: str
    winner: bool = False


@dataclass(frozen=True)
class Picture:
    """The inline picture. ``cid`` is its Content-ID without brackets; ``text`` tells it without a picture."""

    cid: str
    text: str
    width: int
    height: int
    target: str


@dataclass(frozen=True)
class LetterView:
    """What a template sees, as ``letter``. All text is one line, printable and bounded; none is markup.

    ``occasion`` is the word of the trigger; ``tone`` is ``good``, ``bad`` or ``plain``; ``summary`` is what
    the subject says of it; ``step`` is ``accuracy 0.9512 → 0.9903`` or empty; ``judged`` are sentences;
    ``about`` are pairs of a name and a text.
    """

    occasion: str
    tone: str
    headline: str
    summary: str
    step: str
    repository: str
    branch: str
    commit: str
    subject: str
    author: str
    push: int
    metric: str
    target: str
    rows: tuple[Row, ...]
    judged: tuple[str, ...]
    stopped: str
    spent: str
    failed: Failed | None
    changes: tuple[Changed, ...]
    more_changes: int
    about: tuple[tuple[str, str], ...]
    delivered_branch: str
    files: tuple[DeliveredFile, ...]
    reproduce: tuple[str, ...]
    warnings: tuple[str, ...]
    picture: Picture | None


_TONES = {
    Outcome.SUCCESS: "good",
    Outcome.TARGET_MISSED: "bad",
    Outcome.SCRIPT_FAILS: "bad",
    Outcome.CRASH_LOOP: "bad",
    Outcome.MACHINE_TROUBLE: "bad",
    Outcome.TEST: "plain",
}


def view_of(
    facts: LetterFacts, occasion: Occasion, picture: Picture | None, notes: tuple[str, ...] = ()
) -> LetterView:
    """Return what the templates show of cleaned facts; ``notes`` are warnings of our own, shown first."""
    verdict = _verdict(facts, occasion)
    return LetterView(
        occasion=occasion.word,
        tone=_tone(facts, occasion),
        headline=_headline(facts, occasion, verdict),
        summary=_summary(facts, occasion, verdict),
        step=words.step(facts),
        repository=facts.repository,
        branch=facts.branch,
        commit=facts.commit[:10],
        subject=facts.subject,
        author=facts.author,
        push=facts.push,
        metric=facts.metric,
        target=facts.target,
        rows=_rows(facts),
        judged=tuple(text for text in (words.gain(facts), *words.honesty(facts)) if text),
        stopped=f"Stopped because: {facts.why_stopped}" if facts.why_stopped else "",
        spent=f"{words.counted(facts.trials, 'trial')} in {words.duration(facts.seconds)}"
        if facts.trials
        else "",
        failed=facts.failed,
        changes=facts.changes[:MOST_CHANGES],
        more_changes=max(0, len(facts.changes) - MOST_CHANGES),
        about=_about(facts),
        delivered_branch=facts.delivered_branch,
        files=facts.files[:_MOST_FILES],
        reproduce=facts.reproduce[:_MOST_COMMANDS],
        warnings=_warnings(notes, facts.warnings),
        picture=picture,
    )


def _tone(facts: LetterFacts, occasion: Occasion) -> str:
    """Return ``plain`` where nothing was won for certain, and nothing is wrong."""
    unsure = facts.winner is None or words.within_noise(facts)
    if occasion.outcome is Outcome.SUCCESS and not facts.target and unsure:
        return "plain"
    return _TONES[occasion.outcome]


def _verdict(facts: LetterFacts, occasion: Occasion) -> str:
    """Return the finding in a few words, without figures."""
    texts = {
        Outcome.TARGET_MISSED: "target not met",
        Outcome.SCRIPT_FAILS: "the script fails",
        Outcome.CRASH_LOOP: "training crashes again and again",
        Outcome.MACHINE_TROUBLE: "the server is in trouble",
        Outcome.TEST: "a test letter",
    }
    if _is_of_settings(facts, occasion):
        return "the settings cannot be used"
    if occasion.outcome is not Outcome.SUCCESS:
        return texts[occasion.outcome]
    if facts.target:
        return "target met" if facts.winner else "your script meets the target as it is"
    if facts.winner is None:
        return "nothing better than your script was found"
    doubt = words.within_noise(facts)
    return "a script that may be better was found" if doubt else "a better script was found"


def _is_of_settings(facts: LetterFacts, occasion: Occasion) -> bool:
    return occasion.outcome is Outcome.SCRIPT_FAILS and facts.failed is not None and facts.failed.settings


def _summary(facts: LetterFacts, occasion: Occasion, verdict: str) -> str:
    """Return what a list of letters shows: the figures, or what went wrong."""
    if facts.failed is not None:
        return f"{verdict}: {facts.failed.message}"
    found = ", ".join(part for part in (words.step(facts), verdict) if part)
    return f"fixed: {found}" if occasion.fixed else found


def _headline(facts: LetterFacts, occasion: Occasion, verdict: str) -> str:
    if occasion.outcome is Outcome.TEST:
        return "Mail from Pushtune arrives."
    if occasion.outcome is Outcome.CRASH_LOOP and facts.attempts:
        return f"Given up: training crashed {words.counted(facts.attempts, 'time')}."
    stage = f", in stage {facts.failed.stage}" if facts.failed and facts.failed.stage else ""
    if _is_of_settings(facts, occasion):
        return "The repository's settings cannot be used: nothing was trained."
    if occasion.outcome is Outcome.SCRIPT_FAILS:
        return f"The script fails, unchanged{stage}."
    if occasion.outcome is Outcome.MACHINE_TROUBLE:
        return f"The server is in trouble{stage}. Your script is not to blame."
    text = verdict[:1].upper() + verdict[1:]
    if facts.target and "target" in verdict:
        text += f" (wanted {facts.target})"
    return f"Fixed: it trains again. {text}." if occasion.fixed else text + "."


def _rows(facts: LetterFacts) -> tuple[Row, ...]:
    rows = []
    if facts.winner is not None:
        rows.append(_row(facts.winner, "Winner", winner=True))
    if facts.baseline is not None:
        rows.append(_row(facts.baseline, "Your script"))
    return (
        *rows,
        *(
            _row(one, line(one.name[:1].upper() + one.name[1:], 40))
            for one in facts.controls[:_MOST_CONTROLS]
        ),
    )


def _row(measured: Measured, name: str, *, winner: bool = False) -> Row:
    return Row(name, words.with_deviation(measured), words.measured_on(measured), winner)


def _about(facts: LetterFacts) -> tuple[tuple[str, str], ...]:
    pairs = (
        ("Repository", facts.repository),
        ("Branch", facts.branch),
        ("Commit", " ".join(part for part in (facts.commit[:10], facts.subject) if part)),
        ("Author", facts.author),
        ("Script", f"{facts.script} ({facts.kind})" if facts.script and facts.kind else facts.script),
        ("Push", f"{facts.push}{f', study {facts.study}' if facts.study else ''}" if facts.push else ""),
        ("Server", facts.server),
        ("Settings", facts.settings_file),
    )
    return tuple((name, text) for name, text in pairs if text)


def _warnings(notes: tuple[str, ...], warnings: tuple[str, ...]) -> tuple[str, ...]:
    shown = [line(note) for note in notes] + list(warnings[:MOST_WARNINGS])
    if len(warnings) > MOST_WARNINGS:
        shown.append(f"and {len(warnings) - MOST_WARNINGS:,} more")
    return tuple(shown)
