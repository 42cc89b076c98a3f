"""What computed a result: the program's version, the formula's name, and a hash of what went in."""

from hashlib import blake2b

import numpy as np

from compute.register import IntervalAmounts

VERSION = "0.1.0"

# Raised whenever the same readings and facts could give other numbers.
FORMULA = "site-interval/4"
# Of balances and what is traced by them: the same, apart from the results they start from.
BALANCE_FORMULA = 2
CLAUSES = (
    "GB/T 2589-2020 (综合能耗计算通则)",
    "GB/T 32150-2015 (工业企业温室气体排放核算和报告通则)",
    "GB/T 28749-2012 (企业能量平衡网络图绘制方法)",
)


def interval_hashes(amounts: IntervalAmounts) -> list[bytes]:
    """Return, per base interval, a hash over what every point contributed to it.

    It covers the amount, the quality and the hash of the readings of each point in the order of
    the description, so that equal hashes mean equal inputs.
    """
    parts = np.stack(
        [
            amounts.amount.view(np.int64),
            amounts.quality.astype(np.int64),
            amounts.input_hash,
        ],
        axis=-1,
    )
    per_interval = np.ascontiguousarray(parts.transpose(1, 0, 2)).astype("<i8")
    return [blake2b(row.tobytes(), digest_size=16).digest() for row in per_interval]
