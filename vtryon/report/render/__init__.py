"""Tables as a page, Markdown, LaTeX, CSV, and on the terminal."""
