"""Pure work of the scorer: messages in, decisions out; no clock, no I/O, no counting."""
