"""Whether a yes may be taken as it was said: by whom, how, about whom, for how long, to which text."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from yishe.people import directory, packs, particulars
from yishe.people.actors import Actor
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy.consent_rules import ConsentKind, ConsentSheet, Shown
from yishe.policy.consent_state import ConsentState
from yishe.policy.refusals import Conflict, Forbidden, Invalid
from yishe.trust import keys

RESIDENT, GUARDIAN, PROXY = "resident", "guardian", "proxy"
ONLINE = "online"
LONGEST_NAME = 60


@dataclass(frozen=True)
class Yes:
    """What was agreed to, as it was said. `sha256` is of the text that was shown.

    Whom it names: `grantee` (a volunteer's staff id, a partner's organisation id, the id of a relative who works
    here), or for any other relative `relative_name` and `relative_phone`. `giver_name` is who said yes instead of the
    resident. Names and numbers are sealed under the resident's key; the ledger's codes never hold them.
    """

    basis: str
    sha256: str
    given_by: str = RESIDENT
    how: str = "paper"
    witness: UUID | None = None
    witness_name: str = ""
    giver_name: str = ""
    giver_kinship: str = ""
    incapable: bool = False
    purpose: str = ""
    scope: tuple[str, ...] = ()
    grantee: UUID | None = None
    relative_name: str = ""
    relative_phone: str = ""
    kinship: str = ""
    until: datetime | None = None

    @property
    def words(self) -> dict[str, str]:
        """What goes into the ledger sealed."""
        said = {
            "relative_name": self.relative_name, "relative_phone": self.relative_phone,
            "giver_name": self.giver_name, "witness_name": self.witness_name,
        }  # fmt: skip
        return {name: text.strip() for name, text in said.items() if text.strip()}


@dataclass(frozen=True)
class Setting:
    """Around a yes: who records it, for whom, when."""

    actor: Actor
    where: Placement
    born: date | None
    at: datetime
    sheet: ConsentSheet
    own: bool = False


def setting(actor: Actor, where: Placement, born: date | None, at: datetime) -> Setting:
    return Setting(actor, where, born, at, packs.in_force().consents)


def decided(yes: Yes, around: Setting) -> ConsentState:
    """The consent to record. Raises Invalid, Conflict or Forbidden, naming what does not hold."""
    kind = around.sheet.kind(yes.basis)
    text = _text(kind, yes, around.at)
    _giver(yes, around)
    _way(yes, around)
    return ConsentState(
        basis=yes.basis, given_at=around.at, given_by=yes.given_by, recorded_by=around.actor.staff_id, how=yes.how,
        witness=yes.witness, giver_kinship=yes.giver_kinship, incapable=yes.incapable, text_version=text.version,
        text_sha256=text.sha256, purpose=_purpose(kind, yes), scope=_scope(kind, yes),
        grantee=_grantee(kind, yes, around), kinship=yes.kinship if kind.about == "relative" else "",
        until=_until(kind, yes, around.at),
    )  # fmt: skip


def _text(kind: ConsentKind, yes: Yes, at: datetime) -> Shown:
    """The text in force must be the one that was shown."""
    shown = kind.text_on(at.astimezone(ZONE).date())
    if yes.sha256 != shown.sha256:
        raise Conflict(
            "text_changed", "同意书的文字在您打开之后更新了：请重新读一遍再登记。",
            version=shown.version, sha256=shown.sha256,
        )  # fmt: skip
    return shown


def _giver(yes: Yes, around: Setting) -> None:
    """A child, or someone who can't decide, says yes through a guardian; everybody else alone or by a proxy."""
    if yes.given_by not in around.sheet.givers:
        raise Invalid("given_by", "请选择由谁同意：本人、监护人或受委托的人。", field="given_by")
    child = around.sheet.needs_guardian(around.born, around.at.astimezone(ZONE).date())
    if (child or yes.incapable) and yes.given_by != GUARDIAN:
        why = f"不满 {around.sheet.guardian_below} 周岁" if child else "不能辨认自己的行为"
        raise Invalid("guardian_needed", f"居民{why}：由监护人同意，请登记监护人。", field="given_by")
    if yes.given_by == GUARDIAN and not (child or yes.incapable):
        raise Invalid(
            "guardian_not_needed", "居民能自己作主，监护人不能代他同意：请由本人同意。", field="given_by"
        )
    if yes.given_by != RESIDENT:
        _named(yes.giver_name, "giver_name", "请写明代为同意的人的姓名。")
        _kinship(yes.giver_kinship, "giver_kinship")


def _way(yes: Yes, around: Setting) -> None:
    way = around.sheet.ways.get(yes.how)
    if way is None:
        raise Invalid("how", "请选择同意的方式：书面、口头有见证，或本人在线。", field="how")
    if (yes.how == ONLINE) != around.own:
        raise Invalid("online_own", "在线同意只能由本人登录后作出：请改选书面或口头。", field="how")
    if not way.witness:
        return
    if yes.witness is None:
        _named(yes.witness_name, "witness", "口头同意要有见证人：请选一位同事，或写明见证人姓名。")
    elif yes.witness == around.actor.staff_id:
        raise Invalid("witness", "登记的人不能自己作见证：请另选一位见证人。", field="witness")
    elif yes.witness not in directory.current().people:
        raise Invalid("witness", "没有这位见证人：请从名单里选，或写姓名。", field="witness")


def _grantee(kind: ConsentKind, yes: Yes, around: Setting) -> UUID | None:
    """Whom it names, as an id."""
    if kind.about == "nobody":
        if yes.grantee or yes.relative_name:
            raise Invalid("grantee", f"“{kind.title}”不指名给谁：请去掉。", field="grantee")
        return None
    if yes.grantee == around.actor.staff_id:
        raise Forbidden("own_consent", "不能给自己登记同意：请另一位同事登记。")
    book = directory.current()
    if kind.about == "partner":
        if yes.grantee not in {unit.id for unit in book.units("partner")}:
            raise Invalid("grantee", "请选择是哪一家合作单位。", field="grantee")
        return yes.grantee
    member = book.people.get(yes.grantee) if yes.grantee else None
    if kind.about == "volunteer":
        if member is None or "volunteer" not in member.duties(around.at):
            raise Invalid("grantee", "请选择一位在册的志愿者。", field="grantee")
        return member.id
    _kinship(yes.kinship, "kinship")
    if yes.grantee and member is None:
        raise Invalid("grantee", "没有这位工作人员：请写明家属的姓名和电话。", field="grantee")
    return member.id if member else relative_id(yes)


def relative_id(yes: Yes) -> UUID:
    """A relative is known by name and telephone: said again, it is the same one. The id tells neither."""
    phone = particulars.phone(yes.relative_phone)
    if phone is None:
        raise Invalid("relative_phone", "请写明家属的电话，他用它登录。", field="relative_phone")
    return relative_of(yes.relative_name, phone)


def relative_of(name: str, phone: str) -> UUID:
    """The same, for who says at the door that this is he."""
    return UUID(bytes=keys.blind_everywhere("relative", f"{particulars.name(name)}|{phone}"))


def _purpose(kind: ConsentKind, yes: Yes) -> str:
    if bool(kind.purposes) != bool(yes.purpose) or (yes.purpose and yes.purpose not in kind.purposes):
        known = "、".join(str(one) for one in kind.purposes.values()) or "（这一项不另选用途）"
        raise Invalid("purpose", f"请选择用途：{known}。", field="purpose", possible=list(kind.purposes))
    return yes.purpose


def _scope(kind: ConsentKind, yes: Yes) -> tuple[str, ...]:
    unknown = set(yes.scope) - set(kind.scopes)
    if unknown or bool(kind.scopes) != bool(yes.scope):
        known = "、".join(str(one) for one in kind.scopes.values()) or "（这一项不另选范围）"
        raise Invalid("scope", f"请勾选同意的内容，只能从这些里选：{known}。", field="scope")
    return tuple(code for code in kind.scopes if code in yes.scope)


def _until(kind: ConsentKind, yes: Yes, at: datetime) -> datetime | None:
    latest = at + kind.longest.exact() if kind.longest else None
    if yes.until is None:
        return latest
    if yes.until <= at:
        raise Invalid("until", "期限已经过去：请填今天以后的日期。", field="until")
    if latest is not None and yes.until > latest:
        day = f"{latest.astimezone(ZONE):%Y-%m-%d}"
        raise Invalid(
            "until", f"“{kind.title}”最长到 {day}：请填早一些的日期，到期可以再同意。", field="until"
        )
    return yes.until


def _named(text: str, field: str, otherwise: str) -> None:
    if not text.strip() or len(text) > LONGEST_NAME or not text.isprintable():
        raise Invalid(field, otherwise, field=field)


def _kinship(code: str, field: str) -> None:
    if code not in packs.in_force().codes["kinship"] or code == "0":
        raise Invalid(field, "请选择与居民的关系。", field=field)
