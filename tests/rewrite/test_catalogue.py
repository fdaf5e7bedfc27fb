"""The catalogue is data: it must hold together, and domains must grow as it says."""

import pytest

from pushtune.model.space import Domain, Value
from pushtune.rewrite.catalogue import grow, load_catalogue

CATALOGUE = load_catalogue()


def test_every_role_has_a_growth_and_every_default_a_domain() -> None:
    for entry in (*CATALOGUE.callables.values(), *CATALOGUE.methods.values()):
        for argument in entry.arguments:
            assert argument.role in CATALOGUE.growths, entry.name
            growth = CATALOGUE.growths[argument.role_of(argument.default)]
            assert not argument.implicit or growth.type == "budget" or grow(growth, argument.default)


@pytest.mark.parametrize(
    ("role", "value", "domain"),
    [
        ("units", 64, Domain("int", 8, 512, True)),
        ("units", 3, Domain("int", 2, 24, True)),
        ("units", 8000, Domain("int", 1000, 8000, True)),
        ("filters", 32, Domain("int", 8, 256, True)),
        ("kernel_size", 3, Domain("categorical", choices=(3, 5, 7))),
        ("kernel_size", 4, Domain("categorical", choices=(3, 4, 5, 7))),
        ("dropout", 0.25, Domain("float", 0.0, 0.6)),
        ("dropout", 0.8, Domain("float", 0.0, 0.8)),
        ("learning_rate", 0.001, Domain("float", 1e-5, 0.1, True)),
        ("learning_rate", 0.1, Domain("float", 0.001, 1.0, True)),
        ("batch_size", 100, Domain("categorical", choices=(16, 32, 64, 100, 128, 256, 512))),
        ("max_depth", None, Domain("categorical", choices=(None, 2, 3, 4, 6, 8, 12, 16, 24, 32))),
        ("max_depth", 5, Domain("categorical", choices=(None, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32))),
        (
            "activation",
            "mish",
            Domain("categorical", choices=("mish", "relu", "elu", "selu", "gelu", "swish", "tanh")),
        ),
    ],
)
def test_how_a_domain_grows(role: str, value: Value, domain: Domain) -> None:
    assert grow(CATALOGUE.growths[role], value) == domain


@pytest.mark.parametrize(
    ("role", "value"),
    [("units", 0), ("units", -1), ("units", "64"), ("units", True), ("units", 64.0), ("units", None),
     ("learning_rate", 0.0), ("learning_rate", "1e-3"), ("activation", 3), ("batch_size", 0)],
)  # fmt: skip
def test_a_value_that_does_not_fit_has_no_domain(role: str, value: Value) -> None:
    assert grow(CATALOGUE.growths[role], value) is None
