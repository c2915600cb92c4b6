"""Review of comments: cards, stages, decisions, leases, publication. Pure: no I/O, `now` is an argument."""
