"""The review desk: stores comments and has people review them, in the comments process (ADR 23)."""
