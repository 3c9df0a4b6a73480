"""The API, version 1: addresses, bearer tokens, errors. Each module adds the addresses of one noun."""

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from yishe.doors.api import (
    assessments,
    attempts,
    classes,
    contracts,
    description,
    followups,
    indicators,
    kinds,
    life,
    loops,
    me,
    plans,
    problems,
    reports,
    residents,
)
from yishe.doors.api.wire import Bearer, JsonParser, JsonRenderer

DESCRIPTION = """
Bearer tokens (`yishe token create --staff USERNAME`). Lists answer `{"items": [...], "next": cursor|null}`.
Writers honour `Idempotency-Key`: a retry with the same key gets the first answer, another body under it 422.
A stale `seq` answers 409 with `events` since then and what is `allowed` now. Every error is
`application/problem+json` with a Chinese `title`. Unknown fields are refused. A time without an offset is
meant in Asia/Shanghai; bodies are at most 1 MB of UTF-8 JSON.
"""


class Api(NinjaAPI):
    """Its description is worked out once a process: it costs as much as forty requests."""

    _described: OpenAPISchema | None = None

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        if self._described is None:
            self._described = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
            description.complete(self._described)
        return self._described


api = Api(
    title="Yishe 医社联动",
    version="1",
    description=DESCRIPTION,
    auth=Bearer(),
    docs_url=None,
    openapi_url="/openapi.json",
    parser=JsonParser(),
    renderer=JsonRenderer(),
    urls_namespace="api",
)
problems.install(api)
api.add_router("", me.router)
api.add_router("", residents.router)
api.add_router("", assessments.router)
api.add_router("", followups.router)
api.add_router("", contracts.router)
api.add_router("", attempts.router)
api.add_router("", plans.router)
api.add_router("", life.router)
api.add_router("", classes.router)
api.add_router("", loops.router)
api.add_router("", kinds.router)
api.add_router("", reports.router)
api.add_router("", indicators.router)
