"""One file per command or group: options in, work done by the rooms, an answer out."""
