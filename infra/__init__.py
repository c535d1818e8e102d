"""How the stack is laid out and started; knows contracts and runtime, nothing of fraud."""
