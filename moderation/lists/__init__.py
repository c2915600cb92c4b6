"""Word lists: files, their text, import, lint, versions."""
