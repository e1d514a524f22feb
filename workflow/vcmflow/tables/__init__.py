"""The paper's Tables 3 to 7 and the tables of checks, as CSV, Markdown and LaTeX."""
