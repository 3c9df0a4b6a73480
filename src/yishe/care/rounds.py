"""The round of the day (每日一轮): what care does for everybody once a day, in this order."""

from collections.abc import Callable
from datetime import datetime

from yishe.care import class_rounds, departures, plan_promises, renewals, replanning, year

Duty = Callable[[datetime], object]
DUTIES: tuple[Duty, ...] = (
    departures.end,
    class_rounds.of_the_day,
    replanning.everybody,
    renewals.remind,
    year.open_due,
    plan_promises.open_due,
)
"""Who is gone has nothing open any more; running years follow what is known of residents today; of an end that is near
somebody is told; what contracts and plans promise from today on becomes loops. Each may be done again and changes nothing."""


def of_the_day(at: datetime) -> None:
    """All of it."""
    for duty in DUTIES:
        duty(at)
