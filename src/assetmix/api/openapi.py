"""What OpenAPI cannot see for itself: bodies and headers that are read by hand, and how requests are refused."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from assetmix import __version__
from assetmix.api.problems import MEDIA_TYPE
from assetmix.codec.documents import Codec

REF = "#/components/schemas/{model}"

_named: dict[str, Codec[Any]] = {}


HEADERS = {
    "Idempotency-Key": "Names the request: sent again, it is not carried out again but has the same answer.",
    "Prefer": "`wait=n`: answer only when the run has ended, after at most n seconds (30); `respond-async`: at once; "
    "`handling=strict`: refuse what would be mended.",
    "If-Match": "Change only this version (its ETag); `*` for any that exists.",
    "If-None-Match": "The ETag that is known: 304 if nothing has changed. In a PUT `*`: create, never replace.",
}

REFUSALS = {
    400: "The request cannot be read",
    401: "No valid key",
    403: "The key lacks a scope",
    404: "There is no such thing",
    409: "It clashes with the present state",
    412: "It is not the version that was expected",
    413: "The body is too large",
    415: "The body is of another kind",
    422: "The request can be read but not carried out; `errors` says why",
    428: "Say which version is meant (If-Match)",
    429: "More than the quota; see Retry-After",
    431: "Too many or too long headers",
    500: "Our own fault",
    503: "Away for a moment; see Retry-After",
}
READING = (400, 401, 403, 404, 413, 415, 422, 429, 431, 500, 503)
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id", "retryable"],
    "properties": {
        "type": {"type": "string", "description": "Stable name of the kind of problem, /problems/…"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and the likely cure"},
        "request_id": {"type": "string"},
        "retryable": {"type": "boolean", "description": "Whether the same request may succeed later"},
        "errors": {
            "type": "array",
            "maxItems": 20,
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
            },
        },
    },
}
"""Problem details (RFC 9457)."""

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "Nothing has changed since this ETag"}}

OWN_ERRORS = {"ibm", "investsuite"}
"""Dialects whose errors have a form of their own."""


def accepts(name: str, codec: Codec[Any], *others: str, headers: tuple[str, ...] = ()) -> dict[str, Any]:
    """Describe a JSON body of a codec's type, other media types that are taken as text, and headers."""
    _named[name] = codec
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": REF.format(model=name)}}}
    content |= {media_type: {"schema": {"type": "string"}} for media_type in others}
    return {"requestBody": {"required": True, "content": content}} | takes(*headers)


def takes(*headers: str) -> dict[str, Any]:
    """Describe headers that a route looks at."""
    described = [
        {"in": "header", "name": name, "required": False, "schema": {"type": "string"}, "description": HEADERS[name]}
        for name in headers
    ]
    return {"parameters": described} if described else {}


def install(app: FastAPI) -> None:
    """Let the application's OpenAPI document hold the schemas of hand-read bodies too."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def allowed_methods(app: FastAPI, path: str) -> list[str]:
    """Give the methods that an address takes, whichever of its routes takes them; a fixed part is none of a name."""
    documented = app.openapi()["paths"]
    fitting = [template for template in documented if _fits(template, path)]
    fewest = min((template.count("{") for template in fitting), default=0)
    nearest = [documented[template] for template in fitting if template.count("{") == fewest]
    return sorted({method.upper() for operations in nearest for method in operations})


def _fits(template: str, path: str) -> bool:
    parts, given = template.rstrip("/").split("/"), path.rstrip("/").split("/")
    pairs = zip(parts, given, strict=False)
    return len(parts) == len(given) and all(part.startswith("{") or part == one for part, one in pairs)


def _describe(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title="assetmix", version=__version__, summary=app.summary, description=app.description, routes=app.routes
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name, codec in _named.items():
        schema = codec.adapter.json_schema(ref_template=REF)
        schemas |= schema.pop("$defs", {})
        schemas[name] = schema
    schemas["Problem"] = PROBLEM
    for leftover in ("HTTPValidationError", "ValidationError"):
        schemas.pop(leftover, None)
    _describe_refusals(document)
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": "A tenant's key."}}
    document["security"] = [{"key": []}]
    return document


def _describe_refusals(document: dict[str, Any]) -> None:
    responses = document["components"].setdefault("responses", {})
    for code, text in REFUSALS.items():
        problem = {MEDIA_TYPE: {"schema": {"$ref": REF.format(model="Problem")}}}
        responses[f"Refused{code}"] = {"description": text, "content": problem}
        # what is refused before any route is chosen has the form that all dialects share
        own: dict[str, Any] = {"application/json": {"schema": {}}, **problem}
        responses[f"RefusedElsewise{code}"] = {"description": text, "content": own}
    for operations in document["paths"].values():
        for method, operation in operations.items():
            if "service" in operation["tags"]:
                operation["security"] = []
            else:
                operation["responses"] = _with_refusals(method, operation)


def _with_refusals(method: str, operation: dict[str, Any]) -> dict[str, Any]:
    name = "RefusedElsewise" if operation["tags"][0] in OWN_ERRORS else "Refused"
    codes = READING if method == "get" else REFUSALS
    refusals = {str(code): {"$ref": f"#/components/responses/{name}{code}"} for code in codes}
    kept = {code: answer for code, answer in operation["responses"].items() if code != "422"}
    return dict(sorted((kept | refusals).items()))
