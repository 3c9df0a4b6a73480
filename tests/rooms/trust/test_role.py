"""The system's own database role may add to the ledger and nothing more; with it the whole of the work is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import uuid4

import pytest
from django.db import ProgrammingError, connection, transaction

from tests.rooms.care.world import build
from yishe.care import notes
from yishe.loops import acts, kinds, promises
from yishe.policy.refusals import Invalid
from yishe.trust import access_log, digests, guards, verification

ROLE = "yishe_app"
REFUSED = r"permission denied|must be owner|permission"
D2S = "referral.doctor_to_social_worker"


@contextmanager
def the_systems_own_role() -> Iterator[None]:
    """As `yishe migrate --role` leaves it; this connection is that role for a while."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {ROLE}")
        guards.grant(ROLE)
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
        yield
        cursor.execute("RESET ROLE")


def every_change() -> Iterator[str]:
    """Ways in which somebody who holds the system's password could try to alter what was written."""
    for model in guards.tables():
        table, column = model._meta.db_table, model._meta.concrete_fields[-1].column
        yield f'UPDATE "{table}" SET "{column}" = "{column}"'
        yield f'DELETE FROM "{table}"'
        yield f'TRUNCATE "{table}" CASCADE'
        yield f'ALTER TABLE "{table}" DISABLE TRIGGER ALL'
        yield f'DROP TRIGGER "{table}_insert_only" ON "{table}"'
        yield f'DROP TABLE "{table}" CASCADE'
        yield f'ALTER TABLE "{table}" RENAME TO gone'
        yield f'CREATE RULE forge AS ON INSERT TO "{table}" DO INSTEAD NOTHING'
    yield "SET session_replication_role = replica"
    yield "CREATE OR REPLACE FUNCTION yishe_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$"
    yield "DROP FUNCTION yishe_insert_only() CASCADE"
    yield "CREATE TABLE mine (a int)"
    yield "DELETE FROM django_migrations"
    yield "COPY trust_entry TO PROGRAM 'cat'"
    yield "ALTER ROLE yishe_app SUPERUSER"


if connection.vendor == "postgresql":

    def test_the_role_cannot_change_take_away_or_unguard_anything(db: None) -> None:
        assert len(guards.tables()) >= 5
        with the_systems_own_role():
            for statement in every_change():
                with (
                    pytest.raises(ProgrammingError, match=REFUSED),
                    transaction.atomic(),
                ):
                    connection.cursor().execute(statement)

    def test_with_the_role_all_the_work_is_done(db: None, now: datetime) -> None:
        kinds.forget()
        with the_systems_own_role():
            world = build(now)
            loop = promises.promise(
                world.doctor,
                kind=D2S,
                resident=world.resident.resident,
                reason="D12",
                note="少出门",
                at=now,
                command_id="1",
            )
            acts.act(world.social_worker, "accept", loop, seq=1, at=now, command_id="2")
            notes.record(
                world.social_worker,
                world.resident.resident,
                stage="planning",
                text="入户",
                at=now,
                command_id="3",
            )
            access_log.line(
                None,
                home=world.centre.id,
                actor=world.doctor.staff_id,
                action="t",
                subjects=[world.resident.subject],
                at=now,
            )
            digests.seal(now)
            assert verification.verify().broken is None
            guards.require()

    def test_a_role_that_is_not_there_or_may_everything_is_refused(db: None) -> None:
        with pytest.raises(Invalid, match="没有这个账号"):
            guards.grant(f"nobody_{uuid4().hex[:6]}")
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            with pytest.raises(Invalid, match="超级用户"):
                guards.grant(cursor.fetchone()[0])

else:

    def test_without_roles_it_says_what_protects_instead(db: None) -> None:
        with pytest.raises(Invalid, match="文件权限"):
            guards.grant(ROLE)
