"""Text as every room reads it: folded, with its edges and words; what is known of characters."""
