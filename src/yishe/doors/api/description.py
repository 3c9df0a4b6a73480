"""The OpenAPI description made whole: the shape of each answer, every error, the idempotency key, the verbs."""

from typing import Any

from pydantic.json_schema import models_json_schema

from yishe.doors.api import answers
from yishe.policy.loop_table import table

PREFIX = "/api/v1"
REFERENCE = "#/components/schemas/{model}"
ERRORS = {
    "400": "读不懂的请求",
    "401": "没有令牌或令牌无效",
    "403": "无权",
    "404": "没有这个地址、居民或闭环",
    "409": "状态不允许，或已有新进展（stale：events 是这期间发生的事，allowed 是现在可做的）",
    "413": "内容太大",
    "415": "不是 application/json",
    "422": "字段不合要求",
    "429": "太频繁，Retry-After 说还要等几秒",
    "500": "系统内部出错",
    "503": "数据库暂不可用，请稍后重试",
}
OF_READING = ("400", "401", "403", "404", "422", "429", "500", "503")
KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "1 到 1024 个可见 ASCII 字符；重发用同一个键，得到第一次的答复。",
    "schema": {"type": "string", "minLength": 1, "maxLength": 1024, "pattern": "^[ -~]+$"},
}


def complete(schema: dict[str, Any]) -> None:
    """Add to what the framework found what it cannot know."""
    models = [(model, "serialization") for model in (*answers.OF.values(), answers.Problem)]
    _, shapes = models_json_schema(list(dict.fromkeys(models)), ref_template=REFERENCE)  # type: ignore[arg-type]
    schema["components"].setdefault("schemas", {}).update(shapes["$defs"])
    schema["components"]["responses"] = {
        f"Problem{status}": _problem(said) for status, said in ERRORS.items()
    }
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _operation(operation, method, path.removeprefix(PREFIX))


def _operation(operation: dict[str, Any], method: str, path: str) -> None:
    responses = operation["responses"] = {str(status): one for status, one in operation["responses"].items()}
    for answer in responses.values():
        model = answers.OF[method, path].__name__
        answer["content"] = {"application/json": {"schema": {"$ref": REFERENCE.format(model=model)}}}
    for status in ERRORS if method == "post" else OF_READING:
        responses[status] = {"$ref": f"#/components/responses/Problem{status}"}
    parameters = operation.setdefault("parameters", [])
    for parameter in parameters:
        if parameter["name"].endswith("_id"):
            parameter["schema"]["format"] = "uuid"
        if parameter["name"] == "verb":
            parameter["schema"]["enum"] = list(table().verbs())
    if method == "post":
        parameters.append(KEY)


def _problem(said: str) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(model=answers.Problem.__name__)}
    return {"description": said, "content": {"application/problem+json": {"schema": schema}}}
