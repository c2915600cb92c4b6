"""The desk: what people review in the comments process, the shell around the review machine (ADR 23)."""
