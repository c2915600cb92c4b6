"""Other ways to read a text: by sound, in letters, by parts and pictures, turned, strewn."""
