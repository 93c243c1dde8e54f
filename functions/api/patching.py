"""Bodies of PATCH requests: a model with every field optional, and what it makes of the stored model."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, create_model

from lib.fields import Model


def patch_of(spec: type[Model], module: str, name: str | None = None) -> type[Model]:
    """Make the model of a PATCH's body: the fields of `spec`, none of them required.

    The caller binds the model in `module` under its own name (`name`; by default `UserPatch` for `UserSpec`), by which
    other processes find it.
    """
    fields: dict[str, Any] = {}
    for each, field in spec.model_fields.items():
        info: Any = Field(default=None, alias=field.alias, description=field.description)
        info.metadata = list(field.metadata)
        fields[each] = (field.annotation, info)
    return create_model(
        name or f"{spec.__name__.removesuffix('Spec')}Patch",
        __base__=Model,
        __module__=module,
        __doc__=f"Fields of {spec.__name__} to change; what is left out stays.",
        **fields,
    )


def patched(spec: type[Model], there: BaseModel, patch: BaseModel) -> dict[str, Any]:
    """Return the fields of `spec` after the patch, for `spec.model_validate`."""
    known = set(spec.model_fields)
    return {
        **there.model_dump(include=known, by_alias=False),
        **patch.model_dump(exclude_unset=True, by_alias=False),
    }


def names_given(body: BaseModel) -> list[str]:
    """List the fields that a body gives: `name`, `settings.tracking`, `settings.inbound`."""
    names = list[str]()
    for name in sorted(body.model_fields_set):
        inner = getattr(body, name)
        parts = sorted(inner.model_fields_set) if isinstance(inner, BaseModel) else []
        names += [f"{name}.{part}" for part in parts] or [name]
    return names
