from datetime import datetime

import pytest
from tests.rooms.care.world import World, build


@pytest.fixture
def world(db: None, now: datetime) -> World:
    return build(now)
