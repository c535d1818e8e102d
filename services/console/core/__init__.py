"""Pure work of the console: what is kept, what is shown, who may."""
