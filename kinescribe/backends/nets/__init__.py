"""Neural nets as plain callables: numpy in, numpy out, no knowledge of records or clips."""
