"""What honest people do: everyday payments and sessions, and noise that looks like fraud and is none."""
