"""Every reason code, once: the same word in a dead letter, a metric tag, a log line and an HTTP body."""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, str]] = {
    # bytes that are no record
    "not_json": "The bytes are not one JSON object. Send UTF-8 JSON that starts with '{'.",
    "not_utf8": "The bytes are not valid UTF-8.",
    "too_deep": "Objects or lists are nested too deeply.",
    "duplicate_key": "A key stands twice in one object, so its value is ambiguous.",
    "oversize": "The record is larger than the topic allows; only its hash and size are kept.",
    # a record with a bad field
    "field_missing": "A required field is absent.",
    "field_type": "A field has another type than the contract says.",
    "field_range": "A number is outside its bounds.",
    "field_length": "A text or list is shorter or longer than its bounds.",
    "field_charset": "An id or name holds characters that may not be in it, such as control codes.",
    "amount_negative": "The amount is below zero. Send refunds as an activity 'payment_outcome'.",
    "currency_unknown": "The currency is no active ISO 4217 code.",
    "card_number": "A text or key holds a card number. Send a token, or put a letter among the digits.",
    "id_numeric": "An id is 13 to 19 digits alone, as a card number is. Prefix it; see also 'card_number'.",
    "field_forbidden": "A field is called like a card's number, code, PIN or track. Leave it out.",
    "version_unknown": "The record's version is newer than this reader.",
    "field_unknown": "The body has a field that the contract does not know. Leave it out.",
    # a request that the gateway refuses
    "empty_body": "The body holds nothing. Send one JSON object, an array of them, or one per line.",
    "media_type": "The body is of another kind. Send application/json, or application/x-ndjson for many.",
    "too_many_items": "The body holds more items than one request may. Send them in several.",
    "idempotency_key": "The header Idempotency-Key names another payment than the body's tx_id.",
    "caller_forbidden": "The body names another caller than the key belongs to. Leave the field out.",
    "query_value": "A query parameter is not what it may be.",
    "key_missing": "There is no key. Send 'Authorization: Bearer assay_...'; `assay keys add` makes one.",
    "key_unknown": "No such key.",
    "key_expired": "The key has expired or was revoked. Ask for a new one.",
    "key_action": "The key does not allow this. Ask for one that does.",
    "key_portfolio": "The key belongs to another portfolio.",
    "key_absent": "There is no key of this id.",
    "not_found": "There is nothing under this path.",
    "method_not_allowed": "The path does not take this method.",
    "decision_unknown": "No payment of this id has come here.",
    "request_timeout": "The request did not come in whole within its time.",
    "not_http": "The bytes are no HTTP request.",
    "header_length": "The request's headers are too long.",
    "rate_limited": "The key is above its rate. Wait as long as Retry-After says.",
    "overloaded": "As many requests are under way as are taken at once. Try again after Retry-After.",
    "no_release": "No release is in charge yet, so nobody can decide.",
    # a request that the console refuses
    "session_missing": "Nobody is signed in, or the session is over. Sign in again.",
    "sign_in_failed": "No user has this name and password.",
    "sign_in_wait": "Too many tries with a wrong password. Wait as long as Retry-After says.",
    "role_forbidden": "Your role does not allow this. Ask an admin: `assay users list` shows who is one.",
    "form_stale": "The form is not of this session. Load the page again and repeat it.",
    "user_name": "A user's name is 2 to 32 of a-z, 0-9, dot, dash and underscore, and begins with a letter.",
    "user_exists": "There is a user of this name.",
    "user_unknown": "There is no user of this name.",
    "user_last_admin": "The last admin cannot be removed. Make another first.",
    "password_weak": "A password has 12 to 256 characters, five different ones, and not the user's name.",
    "case_claimed": "Somebody else has claimed this case.",
    "case_unclaimed": "Claim the case first, so that nobody else decides it meanwhile.",
    "case_decided": "The case has been decided already.",
    "not_csv": "The text is no CSV: a quote does not end, or stands within a cell.",
    "row_width": "The row has more or fewer cells than the first line has columns.",
    "row_repeated": "An earlier row says the same of this payment.",
    "labels_unconfirmed": "Kafka did not confirm every row. Send the file again: each row counts once.",
    # a good record that cannot be used
    "no_rate": "The release has no exchange rate for this currency.",
    "no_entity": "The portfolio needs an entity id that the record lacks.",
    "tx_conflict": "Another transaction body already stands under this tx_id; the first one wins.",
    "label_unknown_tx": "The label names a payment that is not known.",
    "bug": "Our own code failed on this record three times; see the log by its coordinates.",
    # why a decision is what it is
    "no_model": "The release has no champion; the policy's default action stands.",
    "score_low": "The score is below every threshold.",
    "score_challenge": "The score reached the challenge threshold.",
    "score_review": "The score reached the review threshold.",
    "score_decline": "The score reached the decline threshold.",
    "state_unavailable": "Entity state could not be read; scored on what the payment carries.",
    "state_rebuilding": "Entity state is being rebuilt; history may be incomplete.",
    "degraded_amount": "State was not exact and the amount is above the policy's degraded limit.",
    # flags of a decision
    "late": "The payment is older than the horizon; it was scored read-only.",
    "ahead": "The payment's time is ahead of the clock limit and was clamped.",
    # why a release or model is refused
    "release_conflict": "Another release was published first; read the head and try again.",
    "artefact_hash": "The artefact's bytes do not match its manifest.",
    "artefact_signature": "The artefact is not signed by a trusted key.",
    "artefact_missing": "The artefact is not in the store.",
    "artefact_parse": "The model file could not be parsed in the guarded child process.",
    "model_features": "The model was trained on another feature set.",
    "model_golden": "The model's golden vectors do not give the same bits here.",
    "layout_mismatch": "The release names another timeline layout than the portfolio compiles to.",
    # what a client says when the house said nothing that it could read
    "unreachable": "No connection to the house could be made. Look at its address, and whether it is up.",
    "timed_out": "No whole answer came in time. Ask again with the same id: it is answered once.",
    "broken_off": "The connection broke before the answer was whole. Ask again with the same id.",
    "answer_unreadable": "The answer is none of the front door's. Look at what else is at this address.",
    # why a dependency made us wait
    "kafka_away": "Kafka does not answer.",
    "access_refused": "The broker or Redis refuses what we ask: the user, its password or a right is wrong.",
    "redis_away": "Redis does not answer.",
    "database_away": "The database of keys and parked labels does not answer.",
    "lake_away": "The lake does not answer.",
    "redis_full": "Redis refuses writes (OOM or MISCONF); nothing is acknowledged until it takes them.",
    "epoch_changed": "The timelines moved to another epoch.",
    "state_lost": "A timeline is shorter than it was; Redis has lost data.",
    "state_over_budget": "The portfolio's timelines need more of Redis than its [budget] grants.",
}


def describe(code: str) -> str:
    """The sentence for ``code``. Raises KeyError for a code that is not declared."""
    return REASONS[code]
