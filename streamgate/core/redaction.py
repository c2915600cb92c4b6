"""Replacement of redacted sound by AAC frames encoded in advance in the feed's configuration. Pure.

Frames are replaced, never decoded: by the silent frame that every slate has, or by a tone's (`BLEEP`, a clip
whose sound is a steady tone of whole periods per frame, so that any frame can follow any other).
"""

from collections.abc import Mapping
from typing import NamedTuple

from streamgate.core.clip import Clip
from streamgate.core.packet import SILENCE, AudioTrack

SLATE = "slate"
BLEEP = "bleep"
EDGE = 4  # frames at each end of a tone's clip that are not steady


class Replacement(NamedTuple):
    """A replacing frame of `clip`. `number`: its index, SILENCE for the silent one. `actor`: who redacted."""

    data: bytes
    number: int
    clip: Clip
    kind: str
    actor: str


def replace_sound(
    kind: str, actor: str, clips: Mapping[str, Clip], track: AudioTrack | None, number: int
) -> Replacement | None:
    """Return the replacement for audio frame `number` of a feed; None: there is none.

    `clips`: conformed to the feed. `track`: of the feed; a frame of another configuration would not decode.
    """
    clip = clips.get(BLEEP if kind == "bleep" else SLATE)
    if clip is None or clip.audio_track != track or not clip.ready or clip.broken:
        return None
    if kind == "mute":
        return Replacement(clip.silence, SILENCE, clip, kind, actor)
    steady = clip.audio_count - 2 * EDGE
    if not clip.has_sound or steady <= 0:
        return None
    index = EDGE + number % steady
    data = clip.audio(index)
    return None if data is clip.silence else Replacement(data, index, clip, kind, actor)
