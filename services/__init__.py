"""One folder is one process and one room; services meet on topics, never by import."""
