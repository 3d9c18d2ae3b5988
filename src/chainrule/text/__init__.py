"""Text: files, tokens, vocabularies, vectors, tags, n-gram models; no network."""
