"""What the routes of review work with."""

from typing import NamedTuple

from console.review.files import Files
from console.review.link import CommentsLink
from console.review.pages import Pages


class Review(NamedTuple):
    """`link`: to the comments process. `pages`: who reviews at the moment. `files`: exports and forms."""

    link: CommentsLink
    pages: Pages
    files: Files
