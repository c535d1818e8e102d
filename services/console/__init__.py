"""The operators' web: what happens now, why one payment was decided so, and what needs a person.

Topics in: ``decisions``, ``answers``, ``flagged``, ``status``, ``alerts``, from shortly before their end on,
without a group. Topics out: ``labels`` (a person's verdict), ``audit``, ``status``.
State: in SQL its users, sessions and claims; in memory the newest decisions, bounded. It reads the monitor's
tables and the lake, and writes to neither.
Failure: killed anywhere, a restart shows the same numbers: they are the monitor's or the topics', none counts
since a page was loaded. A part that is away is said in words on every screen, and comes back by itself.
"""
