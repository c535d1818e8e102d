"""Fixtures that every test may use."""

import warnings

from tests.support import kernels

kernels.share()  # before anything imports numba, conftests of folders included

with warnings.catch_warnings():
    # kafka-python reads its message schemas by a call that Python 3.11 and 3.12 call deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka.admin  # noqa: F401 - imported here, once, so that no test meets the warning

pytest_plugins = ["tests.support.stack"]
