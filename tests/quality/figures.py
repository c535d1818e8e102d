"""What the steps find, as plain figures: the report shows them, the verdicts judge them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Load:
    """One load. ``in_files`` and ``frauds_in_files`` are counted in the files themselves.

    ``seconds`` from the first record sent to the last one decided and committed, ``per_second`` over them.
    """

    in_files: int
    frauds_in_files: int
    payments: int
    labels: int
    decisions: int
    refused: int
    sent_seconds: float
    seconds: float
    archived_seconds: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds of each part during the load, and the seconds of wall time it took."""

    seconds: float
    by_part: dict[str, float]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the reference: ``mismatches`` apart from same-second pairs, and those ``in_pairs``."""

    column: str
    feature: str
    mismatches: int
    in_pairs: int


@dataclass(frozen=True, slots=True)
class Parity:
    """Captures against the reference: ``pairs`` name two payments each, ``differing`` other rows."""

    in_reference: int
    compared: int
    without_capture: int
    columns: list[Column]
    pairs: list[tuple[str, str]]
    differing: list[str]
    differing_rows: int


@dataclass(frozen=True, slots=True)
class Week:
    """The chapter 3 week: rows as the trainer and as the protocol count them, and the metrics.

    ``published``: name to (AUC ROC, AP, CP@100).
    """

    model: str
    trained_rows: int
    trained_frauds: int
    train_rows: int
    train_frauds: int
    test_rows: int
    test_frauds: int
    auc_roc: float
    average_precision: float
    card_precision_100: float
    published: dict[str, tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class Fold:
    """One test week of the recipe: the ranking, and accounts and money caught within an AFPR of 0.25.

    ``adr`` and ``vdr`` are of every event, the strict ones of frauds alone.
    """

    first_training_day: str
    model: str
    trained_rows: int
    test_rows: int
    test_frauds: int
    auc_roc: float
    average_precision: float
    card_precision_100: float
    adr: float
    vdr: float
    adr_strict: float
    vdr_strict: float


@dataclass(frozen=True, slots=True)
class Proof:
    """What `assay verify` said of a month: decisions, those identical, and the seconds it took."""

    decisions: int
    identical: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Decisions made again a second."""
        return self.decisions / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Flip:
    """Two worlds that differ in ``flipped`` labels: payments until the cut and after it, and inputs moved."""

    flipped: int
    before: int
    moved_before: int
    after: int
    moved_after: int


@dataclass(frozen=True, slots=True)
class Group:
    """A model on one group of features and all groups before it: ``features`` in all, AP, and recall at 1 %
    false positives."""

    title: str
    features: int
    average_precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class SecondSchema:
    """The second schema's test days, scored by a model of its portfolio.

    ``recall`` at 1 % false positives.
    """

    model: str
    trained_rows: int
    trained_frauds: int
    test_rows: int
    test_frauds: int
    average_precision: float
    recall: float
    groups: list[Group]


@dataclass(slots=True)
class Figures:
    """Everything of one run; None where a step was not reached. ``step_seconds`` by the step's name."""

    load: Load | None = None
    spent: Spent | None = None
    parity: Parity | None = None
    week: Week | None = None
    flip: Flip | None = None
    recipe_load: Load | None = None
    parity_of_two: Parity | None = None
    folds: list[Fold] | None = None
    proof: Proof | None = None
    second_load: Load | None = None
    second: SecondSchema | None = None
    step_seconds: dict[str, float] = field(default_factory=dict)
