"""The viewers' side of the comments process: HTTP for viewers, sources and other programs."""
