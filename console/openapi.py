"""`python -m console.openapi` writes console/web/openapi.json, from which the page's types are made."""

import json
from pathlib import Path

from console.api.schema import document
from console.app import routes

FILE = Path(__file__).parent / "web" / "openapi.json"


def text() -> str:
    return json.dumps(document(routes()), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
