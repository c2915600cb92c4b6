"""QR codes, as pictures in an answer."""

import base64
import io

import segno


def draw(text: str) -> str:
    """Return a QR code of this text as the data address of an SVG picture."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", scale=4, border=4, dark="#000", light="#fff"
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(out.getvalue()).decode()}"
