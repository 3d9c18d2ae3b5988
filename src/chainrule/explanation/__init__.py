"""Every gradient explained, derived, drawn and exercised, from the graph that was recorded."""
