"""The schema of bodies that are read by hand, so that OpenAPI shows what is accepted."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from assetmix import __version__
from assetmix.codec.documents import Codec

REF = "#/components/schemas/{model}"

_named: dict[str, Codec[Any]] = {}


def accepts(name: str, codec: Codec[Any], *others: str) -> dict[str, Any]:
    """Describe a JSON body of a codec's type, and other media types that are taken as text."""
    _named[name] = codec
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": REF.format(model=name)}}}
    content |= {media_type: {"schema": {"type": "string"}} for media_type in others}
    return {"requestBody": {"required": True, "content": content}}


def install(app: FastAPI) -> None:
    """Let the application's OpenAPI document hold the schemas of hand-read bodies too."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


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
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": "A tenant's key."}}
    document["security"] = [{"key": []}]
    return document
