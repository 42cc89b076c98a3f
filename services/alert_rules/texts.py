"""What is said of each fault of an alert rule, in both languages."""

from collections.abc import Mapping

from services.plant.fault_text import FaultText
from services.plant.texts import TEXTS

_SPLIT_ZH = "拆成几条规则。"
_SPLIT_EN = "Make several rules of it."

# Kinds of words, as `services.plant.arithmetic` calls what was expected.
EXPECTED: Mapping[str, tuple[str, str]] = {
    "<measure>": ("量的名称", "a measure"),
    "<number>": ("数", "a number"),
    "<function>": ("函数", "a function"),
    "<unit>": ("单位", "a unit"),
    "<label>": ("标签名", "a label"),
    "<text>": ("引号中的文字", "a text in quotes"),
    "<period>": ("周期", "a period"),
}


def expected_words(expected: frozenset[str]) -> tuple[str, str]:
    """Return what could stand at a place, in Chinese and English: kinds of words first."""
    words = sorted(expected, key=lambda word: (not word.startswith("<"), word))
    zh = (EXPECTED.get(word, (word, word))[0] for word in words)
    en = (EXPECTED.get(word, (word, word))[1] for word in words)
    return "、".join(zh), ", ".join(en)


EXPRESSION: Mapping[str, FaultText] = {
    "formula_arguments": TEXTS["formula_arguments"],
    "formula_unexpected": FaultText(
        "{found} 不应出现在此。",
        "{found} cannot stand here.",
        "这里可以是：{expected_zh}。",
        "What can: {expected_en}.",
    ),
    "formula_end": FaultText(
        "条件没有写完。",
        "The condition ends too early.",
        "接下来可以是：{expected_zh}。",
        "What can follow: {expected_en}.",
    ),
    "formula_function": FaultText(
        "没有函数 {found}。",
        "No such function: {found}.",
        "用 forecast、budget、previous、if、min、max、abs、first_known。",
        "Use forecast, budget, previous, if, min, max, abs or first_known.",
    ),
    "formula_long": FaultText(
        "条件过长，最多 {limit}。", "Longer than {limit}.", _SPLIT_ZH, _SPLIT_EN
    ),
    "formula_deep": FaultText(
        "括号嵌套超过 {limit} 层。", "Nested deeper than {limit}.", _SPLIT_ZH, _SPLIT_EN
    ),
    "text_as_number": FaultText(
        "“{found}”是文字，不能与数比较或计算。",
        "“{found}” is text: it cannot be compared or calculated with.",
        "写数（可带单位）或量的名称；文字只写在 {{ }} 的标签里。",
        "Write a number, with its unit, or a measure; text stands in labels only, within {{ }}.",
    ),
    "text_unclosed": FaultText(
        "文字缺少收尾的引号。", "The text has no closing quote.", "补上引号。", "Close it."
    ),
    "unknown_unit": FaultText(
        "没有单位 {found}。",
        "No such unit: {found}.",
        "改正单位，或在数与名称之间写运算符。",
        "Correct the unit, or write an operator between number and name.",
    ),
    "unknown_measure": FaultText(
        "没有叫 {found} 的量。",
        "Nothing is called {found}.",
        "改正名称；可用的量见说明页的表。",
        "Correct the name; the table of measures has all there are.",
    ),
    "asks_for_itself": FaultText(
        "规则引用了它自己：{found} 是本规则的名称，不是量。",
        "The rule asks for itself: {found} is its own name, not a measure.",
        "写要监视的量；规则不能引用规则。",
        "Write what is to be watched; a rule cannot ask for a rule.",
    ),
    "label_unfit": FaultText(
        "这个量没有标签 {found}。",
        "This measure has no label {found}.",
        "可用：{known}。",
        "It has: {known}.",
    ),
    "label_twice": FaultText(
        "标签 {found} 写了两次。", "The label {found} stands twice.", "删除一处。", "Delete one."
    ),
    "label_of_another_kind": FaultText(
        "{found} 与 {other} 不能同时写：一个量只属于一个对象。",
        "{found} and {other} cannot both stand: a measure is of one object.",
        "删除其中一个。",
        "Delete one of them.",
    ),
    "carrier_unfit": FaultText(
        "能源品种只能用于能流，或节点的累计量。",
        "A carrier is of flows, or of the amounts of a node.",
        "写明 node 或 flow，或删除 carrier。",
        "Name a node or flow, or delete carrier.",
    ),
    "carrier_of_node": FaultText(
        '节点的能源品种须为一个：carrier="…"。',
        'Of a node, one carrier is asked for: carrier="…".',
        "写一个品种。",
        "Name one.",
    ),
    "unknown_code": FaultText(
        "没有编码为“{found}”的 {kind}。",
        "No {kind} has the code “{found}”.",
        "改正编码。",
        "Correct the code.",
    ),
    "function_unfit": FaultText(
        "{found} 不能用 {function}。",
        "There is no {function} of {found}.",
        "可用：{can}。",
        "There is: {can}.",
    ),
    "budget_of_boundary": FaultText(
        "预算只属于厂区或节点的全部品种。",
        "A budget is of a site or a node, all carriers together.",
        "去掉 flow 或 carrier，或写 node。",
        "Delete flow or carrier, or name a node.",
    ),
    "period_unfit": FaultText(
        "此处没有周期 {found}。",
        "Not over the period {found} here.",
        "可用：{known}。",
        "There is: {known}.",
    ),
    "objects_unlike": FaultText(
        "{found} 逐个 {kind}，而 {other} 逐个 {other_kind}：无法一一对应。",
        "{found} is of each {kind}, but {other} of each {other_kind}: they do not pair.",
        '用 {kind}="…" 指定一个。',
        'Name one, by {kind}="…".',
    ),
    "units_unlike": FaultText(
        "单位不同类：左边 {left}，右边 {right}。",
        "Unlike units: {left} on the left, {right} on the right.",
        "改正单位，或乘除以时间、产量使两边同类。",
        "Correct a unit, or multiply or divide until both are alike.",
    ),
    "divides_by_zero": FaultText("除数为零。", "Divides by zero.", "改正除数。", "Correct it."),
    "number_extreme": FaultText(
        "换算单位后的数过大或过小。",
        "Too large or too small a number once units are converted.",
        "改正数或单位。",
        "Correct the number or the unit.",
    ),
    "number_wanted": FaultText(
        "这里要数，不能用条件。",
        "A number is wanted here, not a condition.",
        "去掉比较，或用 if(条件, 是, 否)。",
        "Take the comparison out, or use if(condition, then, else).",
    ),
    "condition_wanted": FaultText(
        "这里要条件，不能用数。",
        "A condition is wanted here, not a number.",
        "写成比较，如 > 100 kW。",
        "Compare it, as in > 100 kW.",
    ),
    "not_a_condition": FaultText(
        "只有数，没有比较。",
        "A number, compared with nothing.",
        "写出限值，如 > 100 kW。",
        "Say the limit, as in > 100 kW.",
    ),
    "asks_nothing": FaultText(
        "条件里没有任何量，结果永远一样。",
        "The condition asks for no measure: it never changes.",
        "写要监视的量。",
        "Write what is to be watched.",
    ),
    "too_many": FaultText(
        "规则展开超过 {limit} 个对象。",
        "The rule is of more than {limit} objects.",
        "用标签缩小范围，或拆成几条规则。",
        "Narrow it by labels, or make several rules of it.",
    ),
}

DOCUMENT: Mapping[str, FaultText] = {
    "expression": FaultText(
        "第 {position} 个字符：{said_zh}",
        "At character {position}: {said_en}",
        "{remedy_zh}",
        "{remedy_en}",
    ),
    "duplicate_alert": FaultText(
        "与本组另一条规则同名。",
        "Another rule of the group has this name.",
        "改名。",
        "Give it another name.",
    ),
    "label_reserved": FaultText(
        "标签 {name} 由系统填写。",
        "The label {name} is set by the centre.",
        "改用别的标签名。",
        "Choose another name.",
    ),
    "placeholder": FaultText(
        "没有可填入的 {{{{{name}}}}}。",
        "There is nothing to fill in for {{{{{name}}}}}.",
        "可用：{known}。",
        "There is: {known}.",
    ),
    "name_differs": FaultText(
        "组名与地址中的不同。",
        "Not the name in the address.",
        "改成一致。",
        "Make them the same.",
    ),
}
