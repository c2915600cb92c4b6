"""A child process: reads a page of HTML from standard input and prints it as PDF. Fetches nothing.

python -m console.review.pdf
"""

import os
import resource
import sys

import msgspec

NICE = 10  # whatever it makes can wait for a picture that is on air
MEMORY = 3 * 1024**3


def main() -> int:
    """Return the exit code; the last line on standard error is JSON with the reason."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        # Where its libraries are missing, that is the answer.
        from weasyprint import HTML  # noqa: PLC0415
        from weasyprint.urls import URLFetcher  # noqa: PLC0415
    except OSError as error:
        reason = f"PDF needs the library Pango ({error}); on Debian: apt-get install libpangoft2-1.0-0"
        sys.stderr.write(f"\n{msgspec.json.encode({'error': reason}).decode()}\n")
        return 1
    page = HTML(string=sys.stdin.buffer.read().decode(), url_fetcher=URLFetcher(allowed_protocols=()))
    sys.stdout.buffer.write(page.write_pdf(full_fonts=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
