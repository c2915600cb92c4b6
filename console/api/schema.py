"""The OpenAPI document: routes with their models, and the websockets' messages as schemas.

State comes from the gate as msgspec structs (`streamgate/link/messages.py`) and goes on to pages as such.
`model_of` makes the pydantic model that describes a struct, so that nothing is written down twice.
"""

import types
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, RootModel, create_model
from pydantic.json_schema import models_json_schema

from console.live import messages
from console.review.messages import NotClaimed, Touch
from moderation.desk.messages import Changed

REF = "#/components/schemas/{model}"
_INVALID = "HTTPValidationError"
SOCKETS = """State and commands of the page: websocket `/api/v1/ws`; the console sends `ServerMessage`, the
page `PageCommand` and `Active`. Pictures: websockets `/api/v1/preview/{channel}/pvw` and
`/api/v1/preview/{channel}/pgm`; the console sends `PreviewMessage` (text) and fragments of MP4 (binary).
What came in, for the conveyor: websocket `/api/v1/channels/{channel}/conveyor`; the console sends
`StripMessage`.
Comments under review: websocket `/api/v1/review/{channel}/ws`; the console sends `ReviewMessage`, the page
`Touch`."""


@cache
def model_of(struct: type[msgspec.Struct], *, sent_by_page: bool = False, name: str = "") -> type[BaseModel]:
    """Return a model with the struct's name (or another one), fields and description.

    Every field of what the console sends is always there; what a page sends may leave out what has a default.
    """
    fields: dict[str, Any] = {}
    config = struct.__struct_config__
    if config.tag_field is not None:
        fields[config.tag_field] = (Literal[config.tag], ...)
    for field in msgspec.structs.fields(struct):
        optional = sent_by_page and not field.required
        fields[field.encode_name] = (_translate(field.type), field.default if optional else ...)
    model: type[BaseModel] = create_model(
        name or struct.__name__, __config__=ConfigDict(extra="forbid"), __doc__=struct.__doc__, **fields
    )
    return model


def _translate(kind: Any) -> Any:
    """Return a field's type with models in the place of structs."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return model_of(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is None or origin is Literal:
        return kind
    translated = tuple(_translate(argument) for argument in arguments)
    return Union[translated] if origin in {types.UnionType, Union} else origin[translated]  # noqa: UP007


def _any_of(name: str, union: Any) -> type[BaseModel]:
    return _root(name, _translate(union))


def _root(name: str, kind: Any) -> type[BaseModel]:
    root: Any = RootModel.__class_getitem__(kind)
    return type(name, (root,), {})


def socket_models() -> list[type[BaseModel]]:
    """Return the models of what is said over websockets."""
    return [
        _any_of("ServerMessage", messages.ServerMessage),
        _any_of("PreviewMessage", messages.PreviewMessage),
        model_of(messages.StripMessage),
        model_of(messages.PageCommand, sent_by_page=True),
        model_of(messages.Active, sent_by_page=True),
        _root("ReviewMessage", model_of(Changed, name="ReviewChanged") | model_of(NotClaimed)),
        model_of(Touch, sent_by_page=True),
    ]


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the application's routes and websockets."""
    made = get_openapi(title="streamgate console", version="1", description=SOCKETS, routes=app.routes)
    schemas: dict[str, Any] = made["components"]["schemas"]
    # A body that does not fit is answered with 400, in the one form of all problems.
    for name in (_INVALID, "ValidationError"):
        schemas.pop(name, None)
    for methods in made["paths"].values():
        for operation in methods.values():
            if _INVALID in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    _, definitions = models_json_schema(
        [(model, "validation") for model in socket_models()], ref_template=REF
    )
    for name, schema in definitions["$defs"].items():
        if schemas.setdefault(name, schema) != schema:
            raise ValueError(f"two different models are named {name}; rename one")
    made["components"]["schemas"] = dict(sorted(schemas.items()))
    return made
