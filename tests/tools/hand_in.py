"""Comments of an institution's own program, handed in over HTTP to a running `serve`."""

import itertools
from collections.abc import Iterable
from typing import Any

import httpx
from tools.serve import Gate

BATCH = 500  # the most that one request may hold


class Source:
    """A source of a channel, made by the command line."""

    def __init__(self, gate: Gate, channel: str = "main", name: str = "hall") -> None:
        made = gate.command("source", "add", name, "--channel", channel, "--json").json
        self._key: str = made["key"]
        self._url = f"http://127.0.0.1:{gate.public}/api/v1/channels/{channel}/comments"
        self._numbers = itertools.count(1)

    def write(self, texts: Iterable[str], author: str = "校友", **more: Any) -> list[int]:
        """Hand in comments of one author. Return their ids, once they are stored."""
        return self.hand_in({"author": author, "text": text, **more} for text in texts)

    def hand_in(self, comments: Iterable[dict[str, Any]]) -> list[int]:
        """Hand in comments, each with `author` and `text`. Return their ids once they are stored."""
        ids: list[int] = []
        headers = {"authorization": f"Bearer {self._key}"}
        rest = iter(comments)
        with httpx.Client(trust_env=False, timeout=30, headers=headers) as client:
            while some := list(itertools.islice(rest, BATCH)):
                answer = client.post(self._url, json=[self._whole(one) for one in some])
                assert answer.status_code == 202, answer.text
                assert answer.json()["refused"] == []
                ids += [one["id"] for one in answer.json()["accepted"]]
        return ids

    def _whole(self, comment: dict[str, Any]) -> dict[str, Any]:
        return {
            "client_id": f"c{next(self._numbers)}",
            "author_id": f"id of {comment['author']}",
            **comment,
        }
