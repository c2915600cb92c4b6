"""Personal data: found, classified, masked (R21)."""
