"""Text as the filter sees it: folded, with its edges, words and places."""
