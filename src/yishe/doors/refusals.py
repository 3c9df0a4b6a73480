"""What was refused leaves a line too: who asked for what about whom. Repeated ones are looked for (insight.anomalies)."""

from datetime import datetime

from yishe.people.actors import Actor
from yishe.policy.refusals import Refused
from yishe.trust import access_log


def note(actor: Actor, refused: Refused, at: datetime, asked: str) -> None:
    """Write the line of a refusal. `asked` is the method and the path, which hold ids and no words."""
    access_log.refusal(
        home=actor.member.home(at),
        actor=actor.staff_id,
        action=str(refused.extra.get("action") or refused.code),
        outcome=refused.code,
        subjects=refused.about,
        purpose=asked,
        at=at,
    )
