"""Addresses with and without a slash at their end; one of them is in the documents."""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def both(router: APIRouter, method: str, path: str, **described: Any) -> Callable[[Endpoint], Endpoint]:  # noqa: ANN401 - FastAPI's own
    """Register an endpoint at a path that ends with a slash, and at the same without it."""

    def register(endpoint: Endpoint) -> Endpoint:
        router.add_api_route(path, endpoint, methods=[method], **described)
        router.add_api_route(path.rstrip("/"), endpoint, methods=[method], **described | {"include_in_schema": False})
        return endpoint

    return register
