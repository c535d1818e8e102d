"""Topics to lake, exactly once per row.

Topics in: every topic that feeds a row of the table of lake tables (``transactions``, ``activities``,
``labels``, ``captures``, ``decisions``, ``predictions``, ``dead-letters``, ``audit``), all partitions by one
process per portfolio. Topics out: ``status``.
State: the Delta tables themselves. Each commit holds rows and the offset after them, per topic partition;
on start reading goes on from there. Offsets are committed to Kafka too (group ``<portfolio>.archiver``),
after the lake's commit and for the eye only: lag is what standard tools show.
Failure: killed anywhere, nothing is doubled and nothing lost; files written but not committed are seen by
nobody and swept later. Lake away or its disk full: reading stops when memory's share is used, the write is
tried again with growing pauses, status says ``waiting``; the backlog stays in Kafka. Undecodable bytes keep
their row, with the reason and the raw bytes. Rows that Kafka dropped before they were read are counted, and
status says ``degraded``; a topic that was made anew under the lake's offsets stops the process.
"""
