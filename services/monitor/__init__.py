"""Topics to counts by minute, drift against training, alerts, and Prometheus.

Topics in: ``decisions``, ``predictions``, ``labels``, ``dead-letters``, ``captures`` and ``status``, all
partitions by one process per portfolio. Topics out: ``alerts``, ``status``.
State: the tables of `shared.stores.monitor_tables`, in SQLite or PostgreSQL, which it alone writes. Counts
and the offsets after them stand in one transaction; on start reading goes on from there. Offsets are
committed to Kafka too (group ``<portfolio>.monitor``), for the eye only. Of ``status`` the last minutes are
read anew. Failure: killed anywhere, nothing is counted twice and nothing left out; an alert may be told
twice. Database away: reading stops when memory's share is used, the write is tried again with growing
pauses, status says ``waiting``; the backlog stays in Kafka. Undecodable bytes are counted by reason in the
status and passed over: they stand in the lake. The scorer never waits for the monitor.
"""
