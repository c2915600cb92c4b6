"""Word lists: files, their text, import, versions."""
