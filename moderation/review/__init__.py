"""Review of comments: cards, stages, decisions, leases and publication. PURE: no I/O, `now` is an argument."""
