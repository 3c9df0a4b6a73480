"""What a migration may do beside a running system: no long lock, and the code of the release before goes on working.

A migration can say of itself, as class attributes, what the operations cannot:
`small = ("Organisation",)`   tables of at most some thousand rows, which may be read through under a lock;
`reviewed = "why"`            RunSQL that somebody looked at: which locks it takes, and for how long;
`after = "0015_name"`         what it takes out of the database was taken out of the models by that migration, in a release before.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
)
from django.db import models
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState

POSTGRESQL: Any = DatabaseWrapper({"NAME": "", "OPTIONS": {}, "TIME_ZONE": None}, "types")
RENAMES = (ops.RenameField, ops.RenameModel, ops.AlterModelTable)
GONE = (ops.RemoveField, ops.DeleteModel)
UNHARMED = (
    ops.CreateModel, ops.AlterModelOptions, ops.AlterModelManagers, AddIndexConcurrently, RemoveIndexConcurrently,
    AddConstraintNotValid, ops.RemoveConstraint, ops.AlterModelTableComment,
)  # fmt: skip


def faults(migration: Migration, before: ProjectState, released: Mapping[str, str]) -> Iterator[str]:
    """Each thing that would hold a table long or break the release before; `before` is the state it starts from."""
    born: set[str] = set()
    state = before.clone()
    for operation in _flat(migration.operations):
        if isinstance(operation, ops.CreateModel):
            born.add(operation.name.lower())
        elif _table(operation) not in born:
            yield from (f"{migration}: {fault}" for fault in _of(operation, migration, state, released))
        operation.state_forwards(migration.app_label, state)
    apart = any(
        isinstance(one, AddIndexConcurrently | RemoveIndexConcurrently) for one in migration.operations
    )
    if apart and len(migration.operations) > 1 and migration.atomic:
        yield f"{migration}: an index built beside others needs `atomic = False`"


def _flat(operations: list[Any]) -> Iterator[Any]:
    """What reaches the database; what changes only the models' state holds nothing."""
    for operation in operations:
        if isinstance(operation, ops.SeparateDatabaseAndState):
            yield from _flat(list(operation.database_operations))
        else:
            yield operation


def _table(operation: Any) -> str:
    return str(getattr(operation, "model_name", None) or getattr(operation, "name", "")).lower()


def _of(
    operation: Any, migration: Migration, state: ProjectState, released: Mapping[str, str]
) -> Iterator[str]:
    what = f"{type(operation).__name__} {_table(operation)}"
    if isinstance(operation, RENAMES):
        yield f"{what}: the release before looks for the old name; add the new beside it and fill it in a round"
    elif isinstance(operation, GONE):
        first, known = getattr(migration, "after", ""), released.get(migration.app_label, "")
        if not first or first > known:
            yield f"{what}: the release before still writes it; first take it out of the models alone, here name that migration as `after`"
    elif isinstance(operation, ops.RunPython):
        if migration.atomic or operation.atomic:
            yield f"{what}: one long transaction over rows; `atomic = False` and small steps, or a round of the worker"
    elif isinstance(operation, ops.RunSQL):
        if not getattr(migration, "reviewed", ""):
            yield f"{what}: say as `reviewed` which locks it takes, and for how long"
    elif isinstance(operation, UNHARMED):
        return
    elif _table(operation) not in {name.lower() for name in getattr(migration, "small", ())}:
        yield from (f"{what}: {fault}" for fault in _on_a_large_table(operation, state, migration.app_label))


def _on_a_large_table(operation: Any, state: ProjectState, app: str) -> Iterator[str]:
    if isinstance(operation, ops.AddField):
        yield from _added(operation.field)
    elif isinstance(operation, ops.AlterField):
        yield from _altered(state.models[app, _table(operation)].fields[operation.name], operation.field)
    elif isinstance(operation, ops.AddConstraint):
        yield "reads the whole table under a lock; online.AddCheck, then ValidCheck; a unique one: an index by online.AddIndex first"
    elif isinstance(operation, ops.AddIndex | ops.RemoveIndex):
        yield "nobody can write while it works; use online.AddIndex or online.RemoveIndex"
    else:
        yield "is not known to hold no lock for long; teach tests/house/online.py about it"


def _added(field: models.Field) -> Iterator[str]:
    if field.many_to_many:
        return
    if not field.null and field.db_default is models.NOT_PROVIDED:
        yield "the release before writes rows without this column; null=True or a db_default"
    if field.unique or field.db_index:
        yield "builds its index under a lock; add the index apart"
    if field.is_relation and getattr(field, "db_constraint", False):
        yield "checks the reference of every row under a lock; db_constraint=False"


def _altered(old: models.Field, new: models.Field) -> Iterator[str]:
    if not _same_on_disk(old, new):
        yield "writes the whole table anew under a lock; add a new column beside it"
    if old.null and not new.null:
        yield "reads the whole table under a lock; online.AddCheck for `is not null` instead"
    if (new.unique and not old.unique) or (new.db_index and not old.db_index):
        yield "builds its index under a lock; add the index apart"


def _same_on_disk(old: models.Field, new: models.Field) -> bool:
    before, after = (str(field.db_type(POSTGRESQL) or "") for field in (old, new))
    if before == after:
        return True
    wider = before.startswith("varchar(") and after.startswith("varchar(")
    if wider and old.max_length is not None and new.max_length is not None:
        return new.max_length >= old.max_length
    return before.startswith("varchar") and after == "text"
