"""Codes of the feature kinds, as plain integers that kernels can compare with.

Notation: a is the row's amount in base minor units, t its event time; n, S, Q count, sum and sum of squares
of the amounts in the window, which holds the row itself only where the feature says so.
"""

from __future__ import annotations

from typing import Final

# From the payment alone.
VALUE: Final = 0  # p0: a code of FIELD_* below, column: position in the portfolio's list of numbers
HOUR: Final = 1  # 0..23, local
WEEKDAY: Final = 2  # 0 Monday .. 6 Sunday, local
WEEKEND: Final = 3  # 1 on Saturday and Sunday
NIGHT: Final = 4  # 1 if hour <= p0

# From a window of a timeline.
COUNT: Final = 10  # n
SUM: Final = 11  # S, minor units; 0 when empty
MEAN: Final = 12  # S / n, minor units; NaN when empty
STD: Final = 13  # sqrt((n Q - S^2) / (n (n - 1))); NaN if n < 2
MAX: Final = 14  # NaN when empty
MIN: Final = 15  # NaN when empty
GAP: Final = 16  # seconds since the newest record of the stream before this row; NaN when none
RATIO: Final = 17  # a / (S / n + p0); NaN when empty
Z: Final = 18  # (a - S / n) / (sd + p1), sd = sqrt((n Q - S^2) / (n (n - p0))); NaN if n < 2
DISTINCT: Final = 19  # distinct values of the column (0 is "missing" and not counted)
FIRST_PAIR: Final = 20  # 1 if no row of the window before this one carries its value, else 0; NaN if missing
PAIR_COUNT: Final = 21  # rows of the window that carry this row's value; NaN if missing
PAIR_AGE: Final = (
    23  # seconds since the oldest row of the window that carries this row's value; NaN when none
)
PAIR_GAP: Final = 24  # seconds since the newest such row; NaN when none
MAX_RATIO: Final = 25  # a / (M + p0), M the largest amount; NaN when empty

# From a window that ended ``offset`` ago, with labels in force at t.
DELAYED_COUNT: Final = 30  # transactions
DELAYED_FRAUDS: Final = 31  # of them frauds
DELAYED_RISK: Final = 32  # (frauds + p0) / (transactions + p1); 0 when the divisor is 0

# From the activities in a window.
ACTIVITY_COUNT: Final = 40

# From two earlier columns of the matrix.
SHARE: Final = 22  # left / right; NaN if right is 0
DIFFERENCE: Final = 50  # left - right
QUOTIENT: Final = 51  # left / right; NaN if right is 0
TOTAL: Final = 52  # left + right

FIRST_TIMELINE: Final = 10
"""Kinds below this one need no timeline."""

ARITHMETIC: Final = (SHARE, DIFFERENCE, QUOTIENT, TOTAL)

FIELD_AMOUNT: Final = 0  # base currency, major units
FIELD_AMOUNT_MINOR: Final = 1
FIELD_LATITUDE: Final = 2
FIELD_LONGITUDE: Final = 3
FIELD_CATEGORY: Final = 4  # position in the vocabulary, from 1; NaN outside it
FIELD_NUMBER: Final = 5  # an entry of the payment's ``numbers``
