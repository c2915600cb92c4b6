"""Prints a page of HTML as PDF, its fonts embedded. It fetches nothing but what stands in the page itself."""

from streamgate.errors import MediaError


def print_pdf(page: str, *, pictures: bool = False) -> bytes:
    """Return the page as PDF, with `pictures` those that stand in it as data: URLs.

    Raises MediaError: a library that it needs is missing.
    """
    # Where its libraries are missing, that is the answer.
    try:
        from weasyprint import HTML  # noqa: PLC0415
        from weasyprint.urls import URLFetcher  # noqa: PLC0415
    except OSError as error:
        raise MediaError(
            f"PDF needs the library Pango ({error}); on Debian: apt-get install libpangoft2-1.0-0",
            f"生成 PDF 需要 Pango 库（{error}）；Debian 上请执行：apt-get install libpangoft2-1.0-0",
        ) from error
    fetcher = URLFetcher(allowed_protocols=("data",) if pictures else ())
    made: bytes = HTML(string=page, url_fetcher=fetcher).write_pdf(full_fonts=False)
    return made
