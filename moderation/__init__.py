"""Viewers' comments: held, matched against word lists, reviewed in stages, and only then published.

In the making: no comment is taken in and none is published. What it will hold: the comment model, folding,
lexicon and matcher, the rules that say how many stages a comment needs, the review (a pure state machine;
no two stages by the same person), its store and its service. It knows no media.
"""
