"""Personal data: found, told apart, masked (R21)."""
