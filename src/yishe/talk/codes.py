"""Carrying sign-in codes to phones, through one port: a command that the place brings (an SMS gateway), in a demo the
worker's console. Whoever asks hears the same, and waits as long, whether the number is known or not: that is found out
here, when the code is carried. The outbox row holds ids only.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings

from yishe.people import own_accounts, packs
from yishe.people.particulars import ZONE
from yishe.policy.refusals import Conflict
from yishe.policy.sign_in_rules import Codes
from yishe.talk.models import Outbox
from yishe.trust import clock, codes, ids
from yishe.trust.commit import Bundle

CHANNEL, TOPIC = "code", "sign_in.code"
SECONDS = 30
"""How long a gateway may take before it counts as away."""
Port = Callable[[str, str], None]
"""Carries a text to a phone number, or raises."""


def send(phone: str, relative: UUID | None, at: datetime, real: datetime) -> UUID:
    """Ask for a code to `phone`; returns by which it is proved. `at` is the story's time, `real` the clock's. Conflict
    when the number asked too often, or where nothing can carry it."""
    if port() is None:
        raise Conflict("no_port", "本中心还不能发短信登录码：请到服务台打印登录码。")
    bundle = Bundle()
    asked = codes.ask(bundle, phone, relative, real, rule(at))
    bundle.insert(
        Outbox, home=ids.SYSTEM, person=asked, topic=TOPIC, channel=CHANNEL, key=f"{TOPIC}:{asked}", created_at=at,
        due_at=at, data={},
    )  # fmt: skip
    bundle.commit()
    return asked


def carry(rows: Sequence[Outbox], at: datetime) -> None:
    """The channel: make each code and carry it, unless nobody knows the number, or its time is over."""
    for row in rows:
        asked, way = codes.found(row.person), rule(at)
        if asked is None or asked.proved_at or at - row.created_at > way.life.exact():
            continue
        phone, carrier = codes.phone_of(asked), port()
        if carrier is not None and own_accounts.known(phone, asked.person, at):
            carrier(phone, _text(codes.make(asked, way), way))


def rule(at: datetime) -> Codes:
    return packs.in_force().sign_in(at.astimezone(ZONE).date()).codes


def port() -> Port | None:
    """What carries codes here; None when nothing does."""
    if settings.CODE_COMMAND:
        return _by_command
    return _on_the_console if clock.is_demo() else None


def _by_command(phone: str, text: str) -> None:
    said = json.dumps({"phone": phone, "text": text}, ensure_ascii=False)
    subprocess.run(
        shlex.split(settings.CODE_COMMAND),
        input=said.encode(),
        check=True,
        timeout=SECONDS,
        capture_output=True,
    )


def _on_the_console(phone: str, text: str) -> None:
    sys.stderr.write(f"（演示）发往 {phone[:3]}****{phone[-4:]}：{text}\n")
    sys.stderr.flush()


def _text(code: str, way: Codes) -> str:
    minutes = int(way.life.exact().total_seconds() // 60)
    return f"【医社联动】登录码 {code}，{minutes} 分钟内有效，只用一次。工作人员不会向您要这个码。"
