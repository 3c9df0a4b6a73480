"""Which team answers for a resident. Dated, one at a time; the responsible people follow from it."""

from datetime import datetime
from uuid import UUID

from yishe.people import access, directory, notes
from yishe.people.actors import Actor
from yishe.people.models import Change, Empanelment
from yishe.people.placements import Placement, placed
from yishe.policy.refusals import Conflict, Invalid
from yishe.trust import commit, ids
from yishe.trust.commit import Bundle

EMPANEL = "resident.empanel"


def empanel(
    actor: Actor,
    resident_id: UUID,
    team: UUID,
    at: datetime,
    *,
    doctor: UUID | None = None,
    social_worker: UUID | None = None,
    source: str = "",
    action: str = EMPANEL,
) -> bool:
    """From now on `team` answers for the resident, by whoever may do `action`. Returns whether anything changed."""
    stands = placed(resident_id)
    access.require(actor, action, stands, at)
    check(stands.centre, team, doctor, social_worker, at)
    if stands.gone:
        raise Conflict("gone", "这位居民已去世、迁出或档案已合并，不能再签约团队。")
    if (stands.team, stands.doctor, stands.social_worker) == (team, doctor, social_worker):
        return False
    try:
        with commit.atomically():
            _replace(
                actor,
                stands,
                team=team,
                doctor=doctor,
                social_worker=social_worker,
                at=at,
                source=source,
            )
    except commit.Duplicate:
        raise Conflict("changed_meanwhile", "另一位同事刚刚变更了签约团队：请刷新后再试。") from None
    return True


def _replace(
    actor: Actor,
    stands: Placement,
    *,
    team: UUID,
    doctor: UUID | None,
    social_worker: UUID | None,
    at: datetime,
    source: str,
) -> None:
    Empanelment.objects.filter(resident=stands.resident, until=None).update(until=at)
    bundle = Bundle()
    bundle.insert(
        Empanelment,
        id=ids.new(),
        home=stands.home,
        resident_id=stands.resident,
        team_id=team,
        doctor_id=doctor,
        social_worker_id=social_worker,
        since=at,
        source=source,
    )
    data = {"team": str(team), "before": str(stands.team) if stands.team else None}
    home, subject = stands.home, stands.subject
    notes.note(bundle, home=home, subject=subject, kind=notes.EMPANELLED, actor=actor, at=at, data=data)
    notes.change(bundle, home=home, kind=Change.Kind.EMPANELLED, about=subject, at=at, data=data)
    bundle.commit()


def check(centre: UUID, team: UUID, doctor: UUID | None, social_worker: UUID | None, at: datetime) -> None:
    """Invalid unless the team belongs to the centre and the named people hold those duties there."""
    book = directory.current()
    unit = book.organisation(team)
    if unit.level != "team" or book.centre_of(team) != centre:
        raise Invalid("foreign_team", f"“{unit.name}”不是本中心的团队：居民迁居请先办迁入。")
    for person, duty, words in (
        (doctor, "family_doctor", "家庭医生"),
        (social_worker, "social_worker", "社工"),
    ):
        if person is None:
            continue
        member = book.staff(person)
        if not any(post.duty == duty and post.centre == centre for post in member.held(at)):
            raise Invalid("wrong_duty", f"{member.name}不是本中心的{words}：请重新选择。")
