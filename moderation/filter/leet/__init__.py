"""Latin terms written with digits, signs and stars: fr33, f*ck."""
