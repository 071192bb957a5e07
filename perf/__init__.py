"""How fast is each stage, and does memory stay flat? ``python -m perf`` answers with a table of ratios."""
