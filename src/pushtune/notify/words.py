"""Numbers and findings of a letter in words."""

from __future__ import annotations

import math

from pushtune.notify.facts import LetterFacts, Measured


def number(value: float | None) -> str:
    """Return a metric's value with four decimals, or four figures where that would say nothing."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "not a number"
    return f"{value:.4f}" if value == 0 or 0.001 <= abs(value) < 1000 else f"{value:.4g}"


def with_deviation(measured: Measured) -> str:
    """Return ``0.9903 ± 0.0012``, or only the mean for one seed."""
    if measured.std is None or not math.isfinite(measured.std) or measured.seeds < 2:
        return number(measured.mean)
    small = 0 < measured.std < 0.001
    return f"{number(measured.mean)} ± {f'{measured.std:.1g}' if small else number(measured.std)}"


def counted(count: int, thing: str) -> str:
    """Return ``1 trial`` or ``2 trials``."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return ``4.2 s``, ``3 min 5 s`` or ``2 h 10 min``."""
    if not math.isfinite(seconds) or seconds < 0:
        return "an unknown time"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def measured_on(measured: Measured) -> str:
    """Return ``test set, 3 seeds``."""
    return ", ".join(part for part in (measured.data, counted(measured.seeds, "seed")) if part)


def step(facts: LetterFacts) -> str:
    """Return ``accuracy 0.9512 → 0.9903``; with one value only that; nothing where none is known."""
    before, after = facts.baseline, facts.winner
    name = facts.metric or "metric"
    if before is not None and before.known and after is not None and after.known:
        return f"{name} {number(before.mean)} → {number(after.mean)}"
    best = next((one for one in (after, before) if one is not None and one.known), None)
    return f"{name} {number(best.mean)}" if best is not None else ""


def won(facts: LetterFacts) -> float | None:
    """Return how much better the winner is than the author's script; positive is better either way."""
    before, after = facts.baseline, facts.winner
    if before is None or after is None or before.mean is None or after.mean is None:
        return None
    if not (before.known and after.known):
        return None
    return after.mean - before.mean if facts.direction == "max" else before.mean - after.mean


def noise(facts: LetterFacts) -> float | None:
    """Return the larger deviation of winner and author's script over their seeds, None if unknown."""
    arms = [one for one in (facts.baseline, facts.winner) if one is not None and one.seeds > 1]
    return max((one.std for one in arms if one.std is not None and math.isfinite(one.std)), default=None)


def within_noise(facts: LetterFacts) -> bool:
    """Whether there is a winner whose gain may be the seed's doing. One run of each proves nothing."""
    gained, spread = won(facts), noise(facts)
    return gained is not None and (spread is None or gained < 2 * spread)


def gain(facts: LetterFacts) -> str:
    """Say how large the gain is, and how it compares with what the seed alone does."""
    gained, spread = won(facts), noise(facts)
    if gained is None:
        return ""
    text = f"Gain over your script: {'-' if gained < 0 else '+'}{number(abs(gained))}"
    if spread is None:
        return text + ". One seed only: this may be luck."
    if spread == 0:
        return text + ". Every seed gave the same: the script sets its own, or none matters."
    judged = "" if gained >= 2 * spread else ". Less than twice the noise: it may be luck"
    return f"{text}, {gained / spread:.1f} times the standard deviation between seeds{judged}."


def honesty(facts: LetterFacts) -> tuple[str, ...]:
    """Say on which data the winner was chosen, how often, and what was confirmed: a sentence each."""
    if facts.winner is None:
        return ()
    parts = []
    if facts.chosen_on:
        parts.append(f"Chosen on {facts.chosen_on}, {counted(facts.looks, 'look')}.")
    if _judged_by_what_chose(facts, facts.winner):
        parts.append("It was chosen by the data that it is judged on: expect somewhat less on new data.")
    if not facts.confirmed:
        parts.append("Not confirmed on further seeds.")
    return tuple(parts)


def _judged_by_what_chose(facts: LetterFacts, winner: Measured) -> bool:
    """Whether the winner's value was measured on the very data that it was chosen by."""
    judged = winner.data.removesuffix(" set")
    return "test" in facts.chosen_on or (judged != "" and f" {judged} " in f" {facts.chosen_on} ")
