"""Integer money: amounts in minor units beside a known ISO 4217 currency."""

from __future__ import annotations

from typing import Final

AMOUNT_LIMIT_MINOR: Final = 10**12

# ISO 4217 active codes whose minor unit has other than two digits.
_EXPONENTS: Final[dict[str, int]] = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}

_TWO_DIGITS: Final = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP "
    "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
    "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN "
    "MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE "
    "SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG"
).split()

MINOR_DIGITS: Final[dict[str, int]] = {**dict.fromkeys(_TWO_DIGITS, 2), **_EXPONENTS}


def is_known(currency: str) -> bool:
    """Whether ``currency`` is an active ISO 4217 code."""
    return currency in MINOR_DIGITS


def convert_minor(amount_minor: int, rate_ppm: int) -> int:
    """``amount_minor`` at ``rate_ppm`` millionths of a base minor unit, rounded half away from zero."""
    quotient = (abs(amount_minor) * rate_ppm + 500_000) // 1_000_000
    return quotient if amount_minor >= 0 else -quotient
