"""The ledger: a hash-chained record of every decision, in plain JSON lines (docs/ledger.md)."""
