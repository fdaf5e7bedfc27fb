"""Stage confirm: winner and baseline on further seeds; hand the winner over.

One training run can be lucky: of the three best of a search, two lost points when trained again. So the
winner is what keeps its lead on the mean, and the number that is reported is that mean.
"""

from __future__ import annotations

from collections.abc import Sequence

from pushtune.ledger import new_trial
from pushtune.model.jobs import Best
from pushtune.model.space import Assignment
from pushtune.model.states import TRIAL_ENDS, Purpose, StageName
from pushtune.pipeline.arms import Arm, arms_for, filled, first_look, run_of, seeds_matter, sentence
from pushtune.pipeline.costs import reserve
from pushtune.pipeline.prepare import slots
from pushtune.pipeline.pruning import prune, unfinished
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
        planned = self._train_winner(bench, best.assignment)
        if planned is None:
            return Waiting()
        winner = filled(bench, planned[0])
        if bench.target is not None and not (winner.values and bench.target.met_by(winner.mean)):
            return self._missed(bench, best, winner)
        if self._want_missing(bench, planned):
            return Waiting()
        return self._decide(bench, best, [filled(bench, arm) for arm in planned])

    def _train_winner(self, bench: Workbench, assignment: Assignment) -> list[Arm] | None:
        """Train the winner on its seeds; return the arms of its confirmation, None as long as it trains.

        What it is compared with is trained meanwhile only where slots are free: where the winner misses
        the target none of that is needed.
        """
        planned = arms_for(bench, assignment)
        first = first_look(planned)
        looking = self._want_missing(bench, first[:2])
        matter = seeds_matter(bench, planned)
        if looking and not matter:
            return None
        if matter is False:
            planned = first
        if not self._want_missing(bench, planned[:1]):
            return planned
        self._want_missing(bench, planned[1:], most=slots(bench) - bench.busy())
        return None

    def _want_missing(self, bench: Workbench, arms: Sequence[Arm], most: int | None = None) -> bool:
        """Want the runs that are not there yet, ``most`` of them; whether any is missing or under way."""
        waiting = False
        wanted = 0
        for arm in arms:
            for seed in arm.seeds:
                row = run_of(bench, arm.assignment, seed)
                if row is None and (most is None or wanted < most):
                    self._want(bench, arm, seed)
                    wanted += 1
                waiting = waiting or row is None or row.state not in TRIAL_ENDS
        return waiting

    def _want(self, bench: Workbench, arm: Arm, seed: int) -> None:
        bench.say(f"confirming: {arm.purpose.value} with seed {seed}")
        number = max([CONFIRMATION, *(one.number for one in bench.trials.all())]) + 1
        bench.want(new_trial(bench.study_id, number, arm.purpose, arm.assignment, seed=seed, now=bench.now()))

    def _decide(self, bench: Workbench, best: Best, arms: list[Arm]) -> Step:
        """Take a winner that meets the target; without a target, one that is better than the script."""
        winner, baseline = arms[0], arms[1]
        for arm in arms:
            bench.say(sentence(bench, arm))
        if bench.target is not None or (winner.values and _better(bench, winner.mean, baseline.mean)):
            return self._hand_over(bench, arms)
        return self._missed(bench, best, winner)

    def _missed(self, bench: Workbench, best: Best, winner: Arm) -> Step:
        """Send the push back to the search; where that is over, take the best of what was confirmed."""
        if not self._may_go_on(bench, best):
            return self._best_of_confirmed(bench)
        if bench.target is not None:
            bench.say(f"{sentence(bench, winner)}: it misses the target")
        value = winner.mean if winner.values else best.value
        bench.search.tell_confirmation(best.assignment, value)
        return Again(StageName.TUNE, f"{bench.metric_name} {value:.4f} on the mean: the search goes on")

    def _may_go_on(self, bench: Workbench, best: Best) -> bool:
        """Whether this candidate was not sent back before, and another round is allowed."""
        told = [row.body["assignment"] for row in bench.trials.exchanges() if row.kind == "confirmed"]
        limit = bench.settings.time
        if limit is not None and not self._has_time(bench, limit):
            return False
        started = len(bench.of_purpose(Purpose.SEARCH))
        within = started < bench.fact("trials") or len(told) < _MOST_ROUNDS
        return within and best.assignment.to_json() not in told

    def _has_time(self, bench: Workbench, limit: float) -> bool:
        """Whether another candidate can be confirmed within the limit. Once it cannot, it stays so."""
        if bench.fact("closed_at") == limit:
            return False
        if bench.elapsed() + reserve(bench) <= limit:
            return True
        bench.fix(closed_at=limit)
        return False

    def _best_of_confirmed(self, bench: Workbench) -> Step:
        """The target is out of reach: hand over the confirmed candidate with the best mean, if it leads."""
        confirmed = sorted({row.assignment for row in bench.of_purpose(Purpose.CONFIRM_WINNER)}, key=str)
        rounds = [arms for one in confirmed if filled(bench, (arms := self._arms(bench, one))[0]).values]
        if not rounds:
            return self._nothing_better(bench)
        sign = 1 if bench.maximize else -1
        planned = max(rounds, key=lambda arms: sign * filled(bench, arms[0]).mean)
        if self._want_missing(bench, planned):
            return Waiting()
        arms = [filled(bench, arm) for arm in planned]
        for arm in arms if bench.target is not None else ():  # without a target they were just said
            bench.say(sentence(bench, arm))
        if not _better(bench, arms[0].mean, arms[1].mean):
            return self._nothing_better(bench)
        return self._hand_over(bench, arms)

    def _arms(self, bench: Workbench, assignment: Assignment) -> list[Arm]:
        """Return the arms of a candidate, with one seed fewer where another seed gives the same run."""
        planned = arms_for(bench, assignment)
        return first_look(planned) if seeds_matter(bench, planned) is False else planned

    def _hand_over(self, bench: Workbench, arms: list[Arm]) -> Step:
        prune(bench, unfinished(bench))
        hand_over(bench, arms)
        winner = arms[0]
        met = "" if bench.target is None else ("; target met" if _met(bench, winner) else "; target not met")
        return Done(f"{bench.metric_name} {winner.mean:.4f} ± {winner.deviation:.4f}{met}")

    def _nothing_better(self, bench: Workbench) -> Step:
        prune(bench, unfinished(bench))
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
