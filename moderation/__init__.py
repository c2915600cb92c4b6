"""Viewers' comments: filtered, held, reviewed in stages, and only then published. It knows no media.

Three rooms, and none imports anything of streamgate: `filter` reads a text and judges it (docs/filter.md),
`lists` reads, imports and keeps word lists, `personal` finds and masks personal data. `lists` and `personal`
know neither each other nor the filter. All three stand on `text` (folding, edges, tables of characters),
`lexicon` (what a word list says) and `errors`. `review` is the machine of stages and decisions, pure; no two
stages by the same person (docs/adr/0022-review-machine.md). `desk` keeps its cards in the database; the
process that takes comments in is still to come.
"""
