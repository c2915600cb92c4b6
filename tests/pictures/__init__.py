"""Makes the pictures of docs/pictures from the product as it is: `make pictures`."""
