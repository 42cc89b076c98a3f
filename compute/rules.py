"""Every rule by which readings become amounts, and the quality bit that shows it: one table.

`RULES.md` beside this file is the table as a page, in both languages (`compute.rules_page`); a test
compares the two, and another takes a worked example of each rule through `interval_amounts` and
`settle`.
"""

from dataclasses import dataclass
from typing import Literal

from compute.quality import Quality

RuleKind = Literal["register", "gauge", "interval", "any", "site"]

_NONE = Quality.GOOD


@dataclass(frozen=True, slots=True)
class Rule:
    """One case: when it holds, what is booked, and which bits the interval shows."""

    name: str
    kind: RuleKind
    when_en: str
    when_zh: str
    booked_en: str
    booked_zh: str
    quality: Quality = _NONE


RULES: tuple[Rule, ...] = (
    Rule(
        "rise",
        "register",
        "a rise of no more than the limit",
        "升高不超过限值",
        "the rise above the highest level of the last 5 readings (no rollover between), less what "
        "was booked below that level since",
        "高出最近 5 个读数最高水平的部分（其间无归零），减去其后已计入的部分",
    ),
    Rule(
        "return",
        "register",
        "a rise after a fall, back to the level before it or above",
        "下降之后回升到原水平或更高",
        "as a rise: what lies above the old level",
        "同上：只计高出原水平的部分",
        Quality.INTERPOLATED,
    ),
    Rule(
        "jitter",
        "register",
        "a fall of no more than the resolution",
        "下降不超过最小步长",
        "0; the next rise counts from the old level",
        "0；下次升高从原水平起算",
    ),
    Rule(
        "rollover",
        "register",
        "a fall from a to b; modulus known; modulus - a + b within the limit and half the modulus",
        "从 a 降到 b，字轮位数已知，且 满度 - a + b 不超过限值和满度的一半",
        "modulus - a + b",
        "满度 - a + b",
        Quality.ROLLOVER,
    ),
    Rule(
        "decrease",
        "register",
        "any other fall: a reset, or another meter without a record",
        "其他下降：清零，或未登记的换表",
        "nothing: withheld for review; goes on from the new level",
        "不计，待审核；从新水平继续",
        Quality.DECREASE | Quality.PARTIAL,
    ),
    Rule(
        "spike",
        "register",
        "a rise beyond the limit: another meter without a record, or a wrong level that stays",
        "升高超过限值：未登记的换表，或错误读数持续",
        "nothing: withheld for review; goes on from the new level",
        "不计，待审核；从新水平继续",
        Quality.SPIKE | Quality.PARTIAL,
    ),
    Rule(
        "outlier_high",
        "register",
        "one reading is too high: the step to it or from it is withheld, the step between its "
        "neighbours is not, and neither neighbour is such a reading itself",
        "单个读数过高：到它或离它的步长异常，而前后两个读数之间正常，且前后都不是这样的读数",
        "the step between its neighbours; the bit stands where the reading lies",
        "前后两个读数之差；标志在该读数处",
        Quality.SPIKE,
    ),
    Rule(
        "outlier_low",
        "register",
        "one reading is too low, in the same way",
        "单个读数过低，同上",
        "the step between its neighbours; the bit stands where the reading lies",
        "前后两个读数之差；标志在该读数处",
        Quality.DECREASE,
    ),
    Rule(
        "accepted",
        "register",
        "a step that was withheld, to a reading that a person took for right",
        "待审核的步长，其读数经人工采信",
        "the rise; after a fall, what the register shows: it has begun again from 0",
        "升高部分；下降之后为表上所示（从 0 重新开始）",
        Quality.ACCEPTED,
    ),
    Rule(
        "gap",
        "register",
        "more than hold_us between two readings",
        "两个读数相隔超过 hold_us",
        "the difference, evenly over the time between: the sum is right, the shape is not known",
        "两读数之差，按时间均摊：总量正确，形状未知",
        Quality.INTERPOLATED,
    ),
    Rule(
        "change",
        "register",
        "a multiplier or digits change, and the register was read at that instant: by a person, or "
        "by a reading of that very instant",
        "倍率或位数变更，且变更时刻有表底：人工抄录，或该时刻恰有读数",
        "each side with its own multiplier and digits, up to that level and from it on",
        "前后各按自己的倍率和位数，以该表底为界",
    ),
    Rule(
        "split",
        "register",
        "a multiplier or digits change between two readings, and nobody read the register then",
        "倍率或位数在两次读数之间变更，且无变更时的表底",
        "the register is taken to have risen evenly between the readings; each side with its own "
        "multiplier and digits",
        "视登记值在两次读数之间匀速上升，前后各按自己的倍率和位数",
        Quality.SPLIT,
    ),
    Rule(
        "exchange",
        "register",
        "another register from an instant on, with its first level, and the last of the old one",
        "自某时刻起换用新表，有新表起码和旧表止码",
        "the old one up to its last level, the new one from its first",
        "旧表计到止码，新表自起码计起",
    ),
    Rule(
        "lost_level",
        "register",
        "another register, and nobody read the last level of the old one",
        "换用新表，但未抄旧表止码",
        "nothing between the last reading of the old one and the exchange",
        "旧表最后一个读数与换表之间不计",
        Quality.PARTIAL,
    ),
    Rule(
        "standing",
        "gauge",
        "a value until the next one, for hold_us at most",
        "读数保持到下一读数，最长 hold_us",
        "value x time",
        "读数 × 时间",
    ),
    Rule(
        "silence",
        "gauge",
        "no value for longer than hold_us",
        "无新值超过 hold_us",
        "nothing for the rest of the time",
        "其余时间不计",
        Quality.HELD | Quality.PARTIAL,
    ),
    Rule(
        "period",
        "interval",
        "a value of a period; a stamp within a tenth of the period of its grid is on it",
        "周期量；时标偏离网格不超过十分之一时视为在网格上",
        "the value, evenly over its period",
        "该值，均摊到其周期",
    ),
    Rule(
        "long_period",
        "interval",
        "a period longer than the base interval",
        "周期长于基本周期",
        "the share of the time: the sum is right, the shape is not known",
        "按时间分摊：总量正确，形状未知",
        Quality.INTERPOLATED,
    ),
    Rule(
        "overlap",
        "interval",
        "two periods overlap",
        "两个周期重叠",
        "one ends where the next begins, with the share of its time",
        "前一个（按时标）止于后一个的起点，按时间分摊",
        Quality.CONFLICT,
    ),
    Rule(
        "of_its_time",
        "any",
        "a multiplier changes: a value of a gauge is of the time of its reading, that of a period "
        "of the time when the period began",
        "倍率变更：瞬时值按读数时刻的倍率，周期量按其周期起点的倍率",
        "value x the multiplier of its time",
        "数值 × 当时的倍率",
    ),
    Rule(
        "retired",
        "any",
        "a reading from the instant on at which the point was retired",
        "测点停用时刻及以后的读数",
        "nothing: it is none of the point's",
        "不计：不属于该测点",
        Quality.MISSING | Quality.OPEN,
    ),
    Rule(
        "error",
        "any",
        "a reading without a number: the device reported an error",
        "读数无值：设备报告错误",
        "as if it had not come; it is counted, and the bit stands where it lies",
        "视同未到；计数，标志在该读数处",
        Quality.SOURCE_BAD,
    ),
    Rule(
        "status",
        "any",
        "a reading whose device says that it was being serviced or calibrated, or had drifted",
        "读数的设备状态为维护、校准或漂移超限",
        "as if it had not come: nothing stands in for it; its value and status are kept",
        "视同未到，不以他值替代；数值与状态保留",
        Quality.SOURCE_BAD | Quality.MAINTENANCE | Quality.CALIBRATION | Quality.DRIFT,
    ),
    Rule(
        "doubt",
        "any",
        "a reading with a doubt of its own: uncertain, below what its device can detect, sent "
        "without acknowledgement, retained by the broker, of an assumed zone, or another value "
        "for the same instant",
        "读数自带疑问：不确定、低于检出限、无确认发送、代理保留、时区为假定、同一时刻另有他值",
        "as any reading; the bits of every reading used stand with the amount",
        "照常计入；所用读数的标志随用量保留",
        Quality.SOURCE_UNCERTAIN
        | Quality.BELOW_DETECTION
        | Quality.QOS0
        | Quality.RETAINED
        | Quality.ZONE_ASSUMED
        | Quality.CONFLICT,
    ),
    Rule(
        "corrected",
        "any",
        "a person's value stands for the reading, or where there is none; or review leaves the "
        "reading out",
        "人工更正值代替读数或补在无读数处；或读数经审核剔除",
        "the person's value, as any reading; the reading itself is kept",
        "按更正值计入；原读数保留",
        Quality.CORRECTED,
    ),
    Rule(
        "checked",
        "any",
        "a reading outside its plausible range, or too far from the one before it, or changed too "
        "fast (limits of the plant description)",
        "读数超出核查范围、与前一读数之差超限或变化过快（限值见厂区描述）",
        "as any reading, and shown for review",
        "照常计入，列入审核",
        Quality.RANGE | Quality.STEP | Quality.RATE,
    ),
    Rule(
        "frozen",
        "any",
        "the amounts have stayed the same (of a register: 0) for longer than the limit",
        "用量在限定时间内不变（累计值为不增）",
        "as it is, and shown for review",
        "照常计入，列入审核",
        Quality.FROZEN,
    ),
    Rule(
        "first",
        "any",
        "before the first reading: from it on, part of the interval is covered",
        "第一个读数之前：自该读数起覆盖部分周期",
        "what is covered, from the first reading on",
        "自第一个读数起的部分",
        Quality.PARTIAL,
    ),
    Rule(
        "nothing",
        "any",
        "no reading covers any of the interval",
        "周期内无读数覆盖",
        "nothing: no amount, never 0",
        "无值，绝不记 0",
        Quality.MISSING,
    ),
    Rule(
        "open",
        "any",
        "the end of the interval is not covered yet",
        "周期的终点尚未覆盖",
        "what is covered so far; never extrapolated",
        "已覆盖部分；绝不外推",
        Quality.OPEN | Quality.PARTIAL,
    ),
    Rule(
        "derived",
        "site",
        "an unmetered flow is the only unknown of a bus",
        "未计量的能流是母线唯一的未知量",
        "the balance of the bus",
        "母线的平衡差",
        Quality.DERIVED,
    ),
    Rule(
        "lacking",
        "site",
        "a flow of a node is not known",
        "节点的某一能流未知",
        "the sum of those that are",
        "已知各项之和",
        Quality.MISSING | Quality.PARTIAL,
    ),
    Rule(
        "undefined",
        "site",
        "a formula divides by zero, overflows, or its computation fails",
        "公式除以零、溢出，或计算出错",
        "nothing: the amount is invalid, not 0",
        "不计：无效，不记 0",
        Quality.UNDEFINED | Quality.MISSING,
    ),
    Rule(
        "unbalanced",
        "site",
        "inputs and outputs of a node differ by more than its tolerance",
        "节点输入与输出之差超过允许范围",
        "as metered: nothing is scaled; the residual shows it",
        "按计量值计入，不作调整；差额中可见",
        Quality.UNBALANCED,
    ),
    Rule(
        "factor",
        "site",
        "a factor is missing or not confirmed",
        "因子缺失或未确认",
        "the figures that need it are invalid, not 0",
        "需要该因子的数值无效，不记 0",
        Quality.FACTOR_MISSING,
    ),
)
