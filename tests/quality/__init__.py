"""`make quality`: the published data through the running system, our figures beside the published ones."""
