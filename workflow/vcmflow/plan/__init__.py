"""What the Snakefile asks before any job runs: settings, grid, code of a stage. Light."""
