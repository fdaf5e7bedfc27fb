"""Every strategy on the command line does what a strategy must."""

from pushtune.testing.strategy_conformance import StrategyConformance
from pushtune.tune.scheduler import STRATEGIES


class TestAuto(StrategyConformance):
    strategy = "auto"


class TestGrow(StrategyConformance):
    strategy = "grow"


class TestProgram(StrategyConformance):
    strategy = "program"


def test_no_strategy_is_left_out() -> None:
    assert {kind.strategy for kind in (TestAuto, TestGrow, TestProgram)} == set(STRATEGIES)
