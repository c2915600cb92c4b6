"""The verifier of a data directory: proves what it promises from its files alone, or names what refutes it.

It reads the ledger, then compares the archive with it. It needs no database and no running program, and it
changes nothing. `streamgate.ledger.verify` proves the chain that all of this rests on.
"""
