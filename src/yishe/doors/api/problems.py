"""Errors as application/problem+json (RFC 9457), whatever went wrong: a Chinese `title` that says what to do,
`status`, a stable `code`, and what the refusal adds (`allowed`, `events`, `errors` …)."""

import logging
from collections.abc import Sequence
from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from yishe.doors import away, refusals
from yishe.doors.api.wire import Caller
from yishe.policy.pack_errors import PackErrors
from yishe.policy.refusals import Forbidden, NotFound, Refused
from yishe.trust import logs

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json; charset=utf-8"
TITLES = {
    400: "请求读不懂：请检查 JSON 的写法（UTF-8）。",
    401: "请先出示有效的令牌（Authorization: Bearer …）。",
    403: "您不能做这件事。",
    404: "没有这个地址：可用的地址见 /api/v1/openapi.json。",
    405: "这个地址不接受这种方法。",
    413: "内容太大：单次请求最多 1 MB。",
    415: "请用 Content-Type: application/json 发送。",
    422: "有字段不合要求，请按 errors 修改后重发。",
    429: "请求太频繁，请稍后再试。",
    500: "系统内部出错，已记录；请稍后重试，仍不行请联系管理员。",
    503: "系统暂时忙或数据库不可用，请稍后用同一个 Idempotency-Key 重试。",
}


TROUBLES = {
    "disk_full": "磁盘已满，这次没有保存：请管理员腾出空间，再用同一个 Idempotency-Key 重试；已答复的操作都已保存。"
    "要留下查看记录的资料也暂时打不开。",
    "busy": "系统正忙，等得太久，这次没有保存：请过几秒用同一个 Idempotency-Key 重试。",
    "unavailable": TITLES[503],
}
"""The database's troubles (doors/away) in words for a program."""


def problem(status: int, code: str, title: str = "", detail: str = "", **extra: Any) -> HttpResponse:
    """One error answer."""
    body = {
        "type": f"urn:yishe:problem:{code}",
        "title": title or TITLES.get(status, TITLES[500]),
        "status": status,
        "code": code,
        **({"detail": detail} if detail else {}),
        **extra,
    }
    answer = HttpResponse(orjson.dumps(body, default=str), status=status, content_type=CONTENT_TYPE)
    if status == 401:
        answer["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        answer["Retry-After"] = str(extra.get("retry_after", 5))
    return answer


def of_refusal(refused: Refused) -> HttpResponse:
    """A refusal with everything it says."""
    reserved = {"type", "title", "status", "code"}
    extra = {name: value for name, value in refused.extra.items() if name not in reserved}
    return problem(refused.status, refused.code, refused.title, **extra)


def refused_to(who: Caller, refused: Refused, asked: str) -> HttpResponse:
    """The same; that he may not, or asked for what is not there, is written down."""
    if isinstance(refused, Forbidden | NotFound):
        refusals.note(who.actor, refused, who.at, asked)
    return of_refusal(refused)


def of_fault(fault: Exception) -> HttpResponse:
    """Anything that is not a refusal; details go to the log, never to the caller."""
    if isinstance(fault, RequestDataTooBig):
        return problem(413, "too_large")
    if isinstance(fault, SuspiciousOperation):
        return problem(400, "bad_request")
    if isinstance(fault, DatabaseError | InterfaceError | PackErrors):
        logger.error("api: %s", logs.said(fault))
        code = away.trouble(fault).code
        return problem(503, code, TROUBLES[code], retry_after=away.RETRY_SECONDS)
    logger.error("api: unexpected", exc_info=fault)
    return problem(500, "internal")


NO_FIELD = frozenset({"body", "payload", "query", "wanted", "filters", "paging", "page"})
"""Steps of a fault's place that the caller has not written."""
BRANCHES = frozenset({"uuid", "constrained-str", "int", "float"})
"""Steps that name the type that was tried."""


def of_validation(fault: ValidationError) -> HttpResponse:
    """Each wrong field with its place and what was expected; the value itself is not repeated."""
    errors: list[dict[str, str]] = []
    for error in fault.errors:
        field, reason = _field(error["loc"]), _reason(error)
        if errors and errors[-1]["field"] == field:  # the other branch of what the field may be
            errors[-1]["reason"] += f"，或{reason}"
        else:
            errors.append({"field": field, "reason": reason, "type": error["type"]})
    fields = "、".join(dict.fromkeys(error["field"] or "正文" for error in errors))
    return problem(422, "invalid", f"有字段不合要求：{fields}。请修改后重发。", errors=errors)


def _field(loc: Sequence[str | int]) -> str:
    """The place as the caller wrote it, without the branches that were tried."""
    steps = [str(step) for step in loc if step not in NO_FIELD]
    return ".".join(step for step in steps if step not in BRANCHES and "[" not in step)


def _reason(error: dict[str, Any]) -> str:
    limits = error.get("ctx", {})
    found = EXPECTED.get(error["type"], "")
    if not found and error["type"] in ("value_error", "assertion_error"):
        found = str(error["msg"]).removeprefix("Value error, ")
    return found.format(**limits) if found else "不合要求，见接口说明 /api/v1/openapi.json"


EXPECTED = {
    "missing": "缺少这一项",
    "extra_forbidden": "没有这一项，请去掉",
    "string_type": "应为文字",
    "string_too_long": "太长，最多 {max_length} 字",
    "too_long": "太多，最多 {max_length} 项",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_parsing_size": "数太大",
    "float_type": "应为数字",
    "int_from_float": "应为整数",
    "greater_than_equal": "最小为 {ge}",
    "less_than_equal": "最大为 {le}",
    "bool_parsing": "应为 true 或 false",
    "bool_type": "应为 true 或 false",
    "literal_error": "应为其中之一：{expected}",
    "uuid_parsing": "应为 id（UUID）",
    "uuid_type": "应为 id（UUID）",
    "datetime_type": "应为时间，如 2026-03-02T09:00:00+08:00",
    "datetime_parsing": "应为时间，如 2026-03-02T09:00:00+08:00",
    "datetime_from_date_parsing": "应为时间，如 2026-03-02T09:00:00+08:00",
    "date_from_datetime_parsing": "应为日期，如 2026-03-02",
    "date_parsing": "应为日期，如 2026-03-02",
    "model_attributes_type": "应为 JSON 对象",
    "model_type": "应为 JSON 对象",
    "dict_type": "应为 JSON 对象",
    "list_type": "应为列表",
}


def install(api: NinjaAPI) -> None:
    """Make every error of `api` a problem."""

    @api.exception_handler(Refused)
    def refused(request: HttpRequest, fault: Refused) -> HttpResponse:
        who = getattr(request, "auth", None)
        asked = f"{request.method} {request.path_info}"
        return refused_to(who, fault, asked) if isinstance(who, Caller) else of_refusal(fault)

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, fault: ValidationError) -> HttpResponse:
        return of_validation(fault)

    @api.exception_handler(AuthenticationError)
    def unauthenticated(request: HttpRequest, fault: AuthenticationError) -> HttpResponse:
        return problem(401, "unauthenticated")

    @api.exception_handler(HttpError)
    def http_error(request: HttpRequest, fault: HttpError) -> HttpResponse:
        if isinstance(fault.__cause__, Refused):  # said while the body was read
            return of_refusal(fault.__cause__)
        return problem(fault.status_code, "bad_request" if fault.status_code == 400 else "error")

    @api.exception_handler(Http404)
    def not_found(request: HttpRequest, fault: Http404) -> HttpResponse:
        return problem(404, "no_such_address")

    @api.exception_handler(Exception)
    def unexpected(request: HttpRequest, fault: Exception) -> HttpResponse:
        return of_fault(fault)
