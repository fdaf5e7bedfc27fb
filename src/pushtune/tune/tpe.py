"""Optuna's tree-structured Parzen estimator, rebuilt from the study at each ask and seeded per ask.

Rebuilding costs milliseconds and leaves no state that a replay could miss. Optuna is imported at the
first proposal only: it costs half a second, which reading a script must not pay.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping
from typing import Any

from pushtune.model.space import Assignment, Domain, Parameter, Value
from pushtune.tune.merits import merits
from pushtune.tune.steps import active_parameters, bounds, depth, index_of, ordered, tidy
from pushtune.tune.study import Study, Trial


def sample(study: Study, chance: random.Random) -> Assignment:
    """Return a proposal that learned from every trial so far; it may repeat one."""
    import optuna  # noqa: PLC0415 - heavy: half a second

    with warnings.catch_warnings():
        # Multivariate, group and constant_liar are marked experimental; they have been stable for years.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            multivariate=True,
            group=True,
            constant_liar=True,
            n_startup_trials=0,
            seed=chance.getrandbits(32),
        )
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    search = optuna.create_study(sampler=sampler, direction="maximize")
    search.add_trials(_told(study, optuna))
    return _suggest(study, search.ask())


def _told(study: Study, optuna: Any) -> list[Any]:
    values = merits(study)
    known = (trial for trial in study.candidates() if trial.again is None)
    told = [study.trials[0], *known] if 0 in values else known
    return [_frozen(study, trial, values.get(trial.number), optuna) for trial in told]


def _frozen(study: Study, trial: Trial, merit: float | None, optuna: Any) -> Any:
    """Return the trial as Optuna records it; one without a merit is still running."""
    values = {item.name: item.default for item in study.space.parameters}
    values.update(trial.configuration.as_dict())
    # A numeric range need not hold the author's value (a depth of None): then the trial says nothing of it.
    active = [item for item in active_parameters(study.space, values) if _told_in_numbers(item, values)]
    state = optuna.trial.TrialState
    return optuna.trial.create_trial(
        params={item.name: _encoded(item.domain, values[item.name]) for item in active},
        distributions={item.name: _distribution(item.domain, optuna) for item in active},
        value=merit,
        state=state.RUNNING if merit is None else state.COMPLETE,
    )


def _told_in_numbers(item: Parameter, values: Mapping[str, Value]) -> bool:
    return item.domain.type == "categorical" or isinstance(values[item.name], (int, float))


def _distribution(domain: Domain, optuna: Any) -> Any:
    kinds = optuna.distributions
    if domain.type == "categorical":
        last = len(domain.choices) - 1
        return (
            kinds.IntDistribution(0, last)
            if ordered(domain)
            else kinds.CategoricalDistribution(range(last + 1))
        )
    low, high = bounds(domain)
    if domain.type == "int":
        return kinds.IntDistribution(int(low), int(high), log=domain.log)
    return kinds.FloatDistribution(low, high, log=domain.log)


def _encoded(domain: Domain, value: Value) -> int | float:
    """Choices are told by their index: Optuna would compare them by ``==``, for which 1 is True."""
    if domain.type == "categorical":
        return index_of(domain, value)
    assert isinstance(value, (int, float))
    low, high = bounds(domain)
    if domain.type == "int":
        return min(int(high), max(int(low), int(value)))
    return min(high, max(low, float(value)))


def _suggest(study: Study, trial: Any) -> Assignment:
    values: dict[str, Value] = {item.name: item.default for item in study.space.parameters}
    for item in sorted(study.space.parameters, key=lambda item: depth(study.space, item)):
        if study.space.active(item, values):
            values[item.name] = _suggested(item, trial)
    return Assignment.of(values)


def _suggested(item: Parameter, trial: Any) -> Value:
    domain = item.domain
    if domain.type == "categorical":
        last = len(domain.choices) - 1
        index: int = (
            trial.suggest_int(item.name, 0, last)
            if ordered(domain)
            else trial.suggest_categorical(item.name, range(last + 1))
        )
        return domain.choices[index]
    low, high = bounds(domain)
    if domain.type == "int":
        return tidy(domain, trial.suggest_int(item.name, int(low), int(high), log=domain.log))
    return tidy(domain, trial.suggest_float(item.name, low, high, log=domain.log))
