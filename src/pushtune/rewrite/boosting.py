"""Boosting: which calls of XGBoost and LightGBM train, and where their rounds stand. Rounds are the budget.

A run with fewer rounds is the beginning of a longer one (early stopping included: it only ends it earlier),
unless something else is told the number: a list of learning rates, one a round.

What the budget (``rewrite.epochs`` and ``rewrite.training``) needs of it:

- ``read_boosting(program, names, tracer)`` gives each training call that can run, in source order. Each is
  one thing that spends rounds: ``node`` is the call that trains, ``written`` the expression of its number
  wherever that stands (an argument of ``node`` or of the estimator's constructor, an entry of the table of
  parameters). Left out, the number is the catalogue's default of the argument with the role ``rounds``.
- ``rounds_domain`` is to rounds what ``epochs_domain`` is to epochs.
- The sites of the role ``rounds`` (styles ``written`` and ``implicit``) then become those of the budget.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from pushtune.model.space import Domain, Value
from pushtune.rewrite.parameter_tables import ParameterTables
from pushtune.source import Module, Names, Program
from pushtune.source.tracing import Tracer

_NATIVE = ("xgboost.train", "xgboost.cv", "lightgbm.train", "lightgbm.cv")
_ESTIMATORS = (
    "xgboost.XGBClassifier", "xgboost.XGBRegressor", "xgboost.XGBRanker",
    "lightgbm.LGBMClassifier", "lightgbm.LGBMRegressor", "lightgbm.LGBMRanker",
)  # fmt: skip
_ROUNDS = (
    "num_boost_round", "n_estimators", "num_iterations", "num_iteration", "n_iter", "num_tree", "num_trees",
    "num_round", "num_rounds", "nrounds", "max_iter",
)  # fmt: skip
_SETS = ("evals", "valid_sets", "eval_set")
_CONTINUED = ("xgb_model", "init_model")
_A_RATE_A_ROUND = ("xgboost.callback.LearningRateScheduler", "lightgbm.reset_parameter")

_LEAST, _MOST, _TIMES = 50, 2000, 8


@dataclass(frozen=True, eq=False)
class BoostingCall:
    """One call that trains round by round.

    ``node`` is the call of ``train``, ``cv`` or ``fit``; ``made`` the call that holds the number of rounds:
    ``node`` itself, or the constructor of the estimator. ``written`` is that number's expression and
    ``home`` its file; None where it is left at its default. ``measured``: there is an evaluation set, so that
    rounds can be compared. ``whole``: it cannot be cut short, as it runs more than once or continues another
    model. ``prefix_exact`` as for ``Epochs``.
    """

    module: Module
    node: ast.Call
    made: ast.Call
    written: ast.expr | None
    home: Module
    measured: bool
    whole: bool
    prefix_exact: bool


def rounds_domain(value: Value) -> Domain | None:
    """Return the rounds that one trial may train: from 1 to 8 times the author's, within 50 to 2000.

    The author's own number is always among them.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        return None
    return Domain("int", 1, max(value, min(max(value * _TIMES, _LEAST), _MOST)))


def read_boosting(program: Program, names: Names, tracer: Tracer) -> tuple[BoostingCall, ...]:
    """Return the training calls that can run: ``train``, ``cv``, and ``fit`` of an estimator by itself.

    An estimator inside a pipeline or a search is trained by these, and not paused.
    """
    return tuple(_Reader(program, names, tracer).read())


@dataclass(frozen=True)
class _Reader:
    program: Program
    names: Names
    tracer: Tracer

    def read(self) -> Iterator[BoostingCall]:
        exact = not any(self._is_rate_list(module, call) for module, call in self._reached())
        for module, call in self._reached():
            if self.names.call(module, call) in _NATIVE:
                yield self._call(module, call, module, call, exact)
            elif isinstance(call.func, ast.Attribute) and call.func.attr == "fit":
                made = self._estimator(module, call.func.value)
                if made is not None:
                    yield self._call(module, call, *made, exact)

    def _reached(self) -> Iterator[tuple[Module, ast.Call]]:
        for module in self.program.modules:
            for call in module.calls:
                if self.tracer.calls.reached(module, call):
                    yield module, call

    def _estimator(self, module: Module, receiver: ast.expr) -> tuple[Module, ast.Call] | None:
        for end in self.tracer.ends(module, receiver):
            if isinstance(end.node, ast.Call) and self.names.call(end.module, end.node) in _ESTIMATORS:
                return end.module, end.node
        return None

    def _call(
        self, module: Module, node: ast.Call, home: Module, made: ast.Call, exact: bool
    ) -> BoostingCall:
        written, where = self._written(home, made)
        cross = self.names.call(module, node) in ("xgboost.cv", "lightgbm.cv")
        return BoostingCall(
            module,
            node,
            made,
            written,
            where,
            measured=cross or _gives(node, _SETS, 3 if node is made else None),
            whole=not self.tracer.calls.runs_once(module, node) or _gives(node, _CONTINUED, None),
            prefix_exact=exact,
        )

    def _written(self, module: Module, made: ast.Call) -> tuple[ast.expr | None, Module]:
        """Return the expression of the rounds; in LightGBM, what stands in the parameters goes first."""
        native = self.names.call(module, made) in _NATIVE
        tables = [made.args[0]] if native and made.args else []
        tables += [keyword.value for keyword in made.keywords if keyword.arg in (None, "params")]
        for expression in tables:
            for table in ParameterTables(self.names, self.tracer).read(module, expression, made):
                for name in _ROUNDS:
                    if name in table.entries:
                        return table.entries[name].node, table.entries[name].module
        for keyword in made.keywords:
            if keyword.arg in _ROUNDS:
                return keyword.value, module
        at = 2 if native else 4 if "LGBM" in (self.names.call(module, made) or "") else None
        if at is not None and len(made.args) > at and not any(isinstance(a, ast.Starred) for a in made.args):
            return made.args[at], module
        return None, module

    def _is_rate_list(self, module: Module, call: ast.Call) -> bool:
        """Whether ``call`` sets learning rates from a list: there must be as many as rounds."""
        if self.names.call(module, call) not in _A_RATE_A_ROUND:
            return False
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        return not all(self._is_function(module, expression) for expression in given)

    def _is_function(self, module: Module, expression: ast.expr) -> bool:
        if isinstance(expression, ast.Lambda):
            return True
        return isinstance(
            self.tracer.calls.resolve(module, expression), (ast.FunctionDef, ast.AsyncFunctionDef)
        )


def _gives(call: ast.Call, keywords: tuple[str, ...], at: int | None) -> bool:
    """Whether ``call`` gives one of ``keywords``, or an argument at position ``at``, other than None."""
    given = [keyword.value for keyword in call.keywords if keyword.arg in keywords]
    given += call.args[at : at + 1] if at is not None else []
    return any(not (isinstance(value, ast.Constant) and value.value is None) for value in given)
