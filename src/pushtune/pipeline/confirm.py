"""Stage confirm: winner and baseline on further seeds; hand the winner over.

One training run can be lucky: of the three best of a search, two lost points when trained again. So the
winner is what keeps its lead on the mean, and the number that is reported is that mean.
"""

from __future__ import annotations

from pushtune.ledger import new_trial
from pushtune.model.jobs import Best
from pushtune.model.space import Assignment
from pushtune.model.states import TRIAL_ENDS, Purpose, StageName
from pushtune.pipeline.arms import Arm, arms_for, filled, first_look, run_of, seeds_matter, sentence
from pushtune.pipeline.results import hand_over
from pushtune.pipeline.stage import Again, Done, Step, Waiting
from pushtune.pipeline.workbench import CONFIRMATION, Workbench

_MOST_ROUNDS = 3
"""Candidates confirmed in turn after the search has used its budget, before the best of them is taken."""


class Confirm:
    """Trains the arms that are missing, then decides."""

    name = StageName.CONFIRM

    def step(self, bench: Workbench) -> Step:
        """Want what is missing; when all has ended, take the winner or send the push back to tune."""
        best = bench.search.best()
        if best is None or best.assignment == Assignment():
            return self._nothing_better(bench)
        if not bench.settings.confirm:
            return self._hand_over(bench, _unconfirmed(bench, best))
        planned = arms_for(bench, best.assignment)
        first = first_look(planned)
        if self._want_missing(bench, first) and not seeds_matter(bench, planned):
            return Waiting()
        if seeds_matter(bench, planned) is False:
            planned = first
        if self._want_missing(bench, planned):
            return Waiting()
        return self._decide(bench, best, [filled(bench, arm) for arm in planned])

    def _want_missing(self, bench: Workbench, arms: list[Arm]) -> bool:
        """Want every run that is not there yet; whether any is still under way."""
        waiting = False
        for arm in arms:
            for seed in arm.seeds:
                row = run_of(bench, arm.assignment, seed)
                if row is None:
                    bench.say(f"confirming: {arm.purpose.value} with seed {seed}")
                    number = max([CONFIRMATION, *(one.number for one in bench.trials.all())]) + 1
                    bench.want(
                        new_trial(
                            bench.study_id, number, arm.purpose, arm.assignment, seed=seed, now=bench.now()
                        )
                    )
                waiting = waiting or row is None or row.state not in TRIAL_ENDS
        return waiting

    def _decide(self, bench: Workbench, best: Best, arms: list[Arm]) -> Step:
        winner, baseline = arms[0], arms[1]
        for arm in arms:
            bench.say(sentence(bench, arm))
        met = bool(winner.values) and bench.target is not None and bench.target.met_by(winner.mean)
        ahead = bool(winner.values) and _better(bench, winner.mean, baseline.mean)
        if met or (ahead and bench.target is None):
            return self._hand_over(bench, arms)
        value = winner.mean if winner.values else best.value
        if self._may_go_on(bench, best):
            bench.search.tell_confirmation(best.assignment, value)
            return Again(StageName.TUNE, f"{bench.metric_name} {value:.4f} on the mean: the search goes on")
        return self._best_of_confirmed(bench)

    def _may_go_on(self, bench: Workbench, best: Best) -> bool:
        """Whether this candidate was not sent back before, and another round is allowed."""
        told = [row.body["assignment"] for row in bench.trials.exchanges() if row.kind == "confirmed"]
        limit = bench.settings.time
        if limit is not None and bench.elapsed() > limit:
            return False
        started = len(bench.of_purpose(Purpose.SEARCH))
        within = started < bench.fact("trials") or len(told) < _MOST_ROUNDS
        return within and best.assignment.to_json() not in told

    def _best_of_confirmed(self, bench: Workbench) -> Step:
        """The target is out of reach: hand over the confirmed candidate with the best mean, if it leads."""
        confirmed = {row.assignment for row in bench.of_purpose(Purpose.CONFIRM_WINNER)}
        rounds = [[filled(bench, arm) for arm in arms_for(bench, one)] for one in sorted(confirmed, key=str)]
        rounds = [arms for arms in rounds if arms[0].values]
        if not rounds:
            return self._nothing_better(bench)
        sign = 1 if bench.maximize else -1
        arms = max(rounds, key=lambda one: sign * one[0].mean)
        if not _better(bench, arms[0].mean, arms[1].mean):
            return self._nothing_better(bench)
        return self._hand_over(bench, arms)

    def _hand_over(self, bench: Workbench, arms: list[Arm]) -> Step:
        hand_over(bench, arms)
        winner = arms[0]
        met = "" if bench.target is None else ("; target met" if _met(bench, winner) else "; target not met")
        return Done(f"{bench.metric_name} {winner.mean:.4f} ± {winner.deviation:.4f}{met}")

    def _nothing_better(self, bench: Workbench) -> Step:
        # With all seeds that it was trained with beside candidates that did not keep their lead.
        seeds = range(bench.study.seed, bench.study.seed + 1 + bench.settings.confirm_seeds)
        baseline = filled(bench, Arm(Purpose.BASELINE, Assignment(), tuple(seeds)))
        hand_over(bench, [baseline, baseline])
        return Done("nothing better than the script as it stands was found")


def _unconfirmed(bench: Workbench, best: Best) -> list[Arm]:
    seeds = (bench.study.seed,)
    winner = filled(bench, Arm(Purpose.CONFIRM_WINNER, best.assignment, seeds))
    if not winner.values:
        winner = Arm(Purpose.CONFIRM_WINNER, best.assignment, seeds, (best.value,), (best.trial,))
    return [winner, filled(bench, Arm(Purpose.BASELINE, Assignment(), seeds))]


def _better(bench: Workbench, one: float, other: float) -> bool:
    return one > other if bench.maximize else one < other


def _met(bench: Workbench, arm: Arm) -> bool:
    return bench.target is not None and bench.target.met_by(arm.mean)
