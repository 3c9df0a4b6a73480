"""Service notes: what the social worker did and saw, stage by stage (content: case work, MZ/T 094—2017)."""

from datetime import datetime
from uuid import UUID

from yishe.care import entries
from yishe.care.models import ServiceNote
from yishe.people import packs
from yishe.people.actors import Actor
from yishe.policy.refusals import Invalid
from yishe.trust.commit import Bundle

ACTION = "record.note"
LONGEST_MINUTES = 24 * 60


def record(
    actor: Actor,
    resident: UUID,
    *,
    stage: str,
    text: str,
    at: datetime,
    command_id: str,
    restricted: str = "",
    method: str = "",
    minutes: int | None = None,
    label: str = "",
    occurred_at: datetime | None = None,
    supersedes: UUID | None = None,
    digest: bytes | None = None,
    after_death: bool = True,
    bundle: Bundle | None = None,
) -> ServiceNote:
    """Record a note. ``stage`` is a code of the pack's ``service_stage``, empty for the one the case stands in;
    ``restricted`` is psychotherapy detail, sealed apart; ``label`` the protected field group that the whole note is about.
    A note may follow a death (bereavement work) unless `after_death` is false.

    Raises as ``entries.begin``; Invalid for an unknown stage, method or label, an empty text, impossible minutes."""
    content = {"text": entries.text(text, "服务记录"), **({"label": label} if label else {})}
    hidden = {"text": entries.text(restricted, "心理会谈明细")}
    body = {"stage": stage, "method": method, "minutes": minutes, **content, "restricted": hidden["text"]}
    command = entries.Command(actor, resident, ACTION, at, command_id, occurred_at, supersedes, digest)
    draft = entries.begin(ServiceNote, command, body, after_death=after_death)
    if draft.earlier is not None:
        return draft.earlier
    stage = stage or _standing(draft)
    _sensible(stage, method, minutes, content["text"])
    _labelled(label)
    own = bundle if bundle is not None else Bundle()
    apart = draft.seal("restricted", hidden) if hidden["text"] else None
    sealed = draft.seal("sealed", content)
    row = entries.append(
        draft, own, stage=stage, method=method, minutes=minutes, sealed=sealed, restricted=apart
    )
    return entries.settle(draft, own, row, own=bundle is None)


def _standing(draft: entries.Draft[ServiceNote]) -> str:
    """The stage the case stands in: that of the latest note, else the first of the pack's list."""
    notes = ServiceNote.objects.filter(subject__in=[one.subject for one in draft.subjects])
    latest = notes.order_by("-occurred_at", "-id").values_list("stage", flat=True).first()
    return latest or next(iter(packs.in_force().codes["service_stage"]))


def _labelled(label: str) -> None:
    known = packs.in_force().access.labels
    if label and label not in known:
        choice = "、".join(f"{title}（{group}）" for group, title in known.items())
        raise Invalid(
            "label_unknown", f"没有“{label[:40]}”这类受保护的内容；可选：{choice}。", unknown=label[:40]
        )


def _sensible(stage: str, method: str, minutes: int | None, text: str) -> None:
    entries.known("service_stage", stage, "服务阶段")
    if method:
        entries.known("service_method", method, "服务方式")
    if not text:
        raise Invalid("text_needed", "服务记录是空的：请写下做了什么、看到什么、下一步。")
    if minutes is not None and not 0 < minutes <= LONGEST_MINUTES:
        raise Invalid(
            "minutes_impossible", f"服务时长 {minutes} 分钟不对：请填 1 到 {LONGEST_MINUTES} 之间的分钟数。"
        )
