"""The outside of the console: browsers, topics, tables, the lake."""
