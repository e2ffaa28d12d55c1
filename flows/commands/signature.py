"""Functions that take what a declaration says: command lines, flows and deployments are made so."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

REQUIRED: Final = inspect.Parameter.empty
"""The default of a parameter that has to be given."""

F = TypeVar("F", bound=Callable[..., Any])


def with_signature(
    function: F, name: str, doc: str, parameters: Mapping[str, tuple[Any, Any]]
) -> F:
    """The function, of any keyword arguments, under a name and with just these parameters.

    `parameters`: by name the annotation and the default, as libraries read them off a function.
    """
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    function.__annotations__ = {each: kind for each, (kind, _) in parameters.items()}
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                each, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default
            )
            for each, (kind, default) in parameters.items()
        ]
    )
    return function
