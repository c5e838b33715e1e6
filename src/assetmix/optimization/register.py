"""A register of the kinds of one thing: dropping in a file adds a kind."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

T = TypeVar("T")


class Register(Generic[T]):
    """Kinds by name, filled by a decorator on each class."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._kinds: dict[str, type[T]] = {}

    def __call__(self, kind: str) -> Callable[[type[T]], type[T]]:
        """Register the decorated class under `kind`; two classes of one kind are an error."""

        def add(cls: type[T]) -> type[T]:
            if kind in self._kinds:
                raise TypeError(f"two {self._noun}s of kind {kind!r}: {self._kinds[kind]} and {cls}")
            self._kinds[kind] = cls
            return cls

        return add

    @property
    def kinds(self) -> Mapping[str, type[T]]:
        """All registered classes by kind."""
        return MappingProxyType(self._kinds)

    def plain(self, kind: str) -> T:
        """One of a kind, with every field at its default."""
        return self._kinds[kind]()


def import_siblings(package: str, path: list[str]) -> None:
    """Import every module of a package, so that each registers what it defines."""
    for module in pkgutil.iter_modules(path):
        importlib.import_module(f"{package}.{module.name}")
