"""The OpenAPI document for those who are signed in."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.answers import json_response
from console.api.schema import document
from console.auth.rights import API

router = APIRouter(include_in_schema=False)


@router.get(f"{API}/openapi.json")
async def show_document(request: Request) -> Response:
    return json_response(document(request.app))
