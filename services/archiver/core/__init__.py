"""The archiver's pure work: messages of a topic to rows of its table, and when to write them."""
