"""Viewers' comments: filtered, held, reviewed in stages, and only then published. It knows no media.

So far the filter: `filter.Filter` checks texts against word lists and says how carefully people must look
at them (docs/filter.md). Still to come: the comment model, the review (a pure state machine; no two stages
by the same person), its store and its service.
"""
