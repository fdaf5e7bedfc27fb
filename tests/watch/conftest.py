"""What the tests of webhooks share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from deliveries import SENDERS, Client, Sender
from webhook_house import House


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.server.close()


@pytest.fixture
def client(house: House) -> Iterator[Client]:
    client = house.open()
    yield client
    client.close()


@pytest.fixture(params=SENDERS)
def sender(request: pytest.FixtureRequest) -> Sender:
    return SENDERS[request.param]
