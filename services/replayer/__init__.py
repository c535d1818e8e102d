"""From the lake to the proof: every decision of a period recomputed from raw bytes and the append log.

Topics in: ``releases``, read whole and without a group. Topics out: none, it has no producer and no timeline
store, so it can reach nothing that is live. State: none of its own; files of one run lie in
``run/replayer`` and go with it.
It is no server but a run: ``assay verify`` starts it, reads its lines (`shared/contracts/verification.py`)
and ends it. Failure: what is away ends the run with one line that says so; nothing is ever half answered.
"""
