"""What is said of faults in the text and the shape of a plant description."""

from collections.abc import Mapping

from services.plant.fault_text import FaultText

READING: Mapping[str, FaultText] = {
    "too_large": FaultText(
        "文件超过 {limit} 字节。",
        "Larger than {limit} bytes.",
        "按厂区拆分文件。",
        "Split it: one document per site.",
    ),
    "encoding": FaultText(
        "不是 UTF-8 文本。", "Not UTF-8 text.", "另存为 UTF-8。", "Save it as UTF-8."
    ),
    "syntax": FaultText(
        "无法解析：{problem}。",
        "Cannot be parsed: {problem}.",
        "修正该处语法。",
        "Correct the syntax there.",
    ),
    "tab": FaultText("缩进中有制表符。", "A tab in the indentation.", "改用空格。", "Use spaces."),
    "too_deep": FaultText(
        "嵌套超过 {limit} 层。", "Nested deeper than {limit}.", "减少嵌套。", "Flatten it."
    ),
    "too_many": FaultText(
        "超过 {limit} 个值（别名按展开计）。",
        "More than {limit} values; an alias counts as what it stands for.",
        "按厂区拆分，去掉锚点与别名。",
        "One document per site, without anchors and aliases.",
    ),
    "alias": FaultText(
        "别名指向未定义的锚点或其自身。",
        "An alias of an unknown anchor, or of itself.",
        "直接写出内容。",
        "Write the content out.",
    ),
    "tag": FaultText(
        "不允许类型标记。", "Type tags are not taken.", "删除标记。", "Delete the tag."
    ),
    "documents": FaultText(
        "文件中有多个文档。", "More than one document in the file.", "分成多个文件。", "Split it."
    ),
    "key": FaultText(
        "键必须是文本。", "A key must be text.", "给键加引号。", "Put the key in quotes."
    ),
    "duplicate_key": FaultText(
        "同一处重复的键。", "The key stands twice here.", "只保留一个。", "Keep one of them."
    ),
    "ambiguous": FaultText(
        "YAML 各版本对该写法理解不同。",
        "Readers of YAML disagree about what this is.",
        "文本加引号；真假写 true 或 false；数字写成普通十进制。",
        "Quote a text; write true or false; write a number as a plain decimal.",
    ),
    "more": FaultText(
        "另有至少 {count} 项未列出。",
        "At least {count} further findings are not listed.",
        "先修正已列出的。",
        "Correct those listed first.",
    ),
}

SHAPE: Mapping[str, FaultText] = {
    "unknown_key": FaultText(
        "未知的键。", "Unknown key.", "改正拼写或删除。", "Correct its spelling or delete it."
    ),
    "missing": FaultText("缺少必填项。", "Missing.", "补上该项。", "Add it."),
    "not_text": FaultText(
        "应为文本。", "Should be text.", "数字样的文本加引号。", "Quote a text made of digits."
    ),
    "not_whole": FaultText(
        "应为整数。",
        "Should be a whole number.",
        "写成整数，不加引号。",
        "Write it without quotes.",
    ),
    "not_number": FaultText(
        "应为有限的数字。",
        "Should be a finite number.",
        "写成十进制数，不加引号。",
        "Write a decimal number without quotes.",
    ),
    "not_boolean": FaultText(
        "应为真假值。", "Should be true or false.", "写 true 或 false。", "Write true or false."
    ),
    "not_list": FaultText(
        "应为列表。", "Should be a list.", "每项以“- ”开头。", 'Begin each item with "- ".'
    ),
    "not_mapping": FaultText(
        "应为键值对。", "Should be keys with values.", "写成“键: 值”。", 'Write "key: value".'
    ),
    "choice": FaultText(
        "不在可选值之内：{choices}。",
        "Not one of {choices}.",
        "选其中之一。",
        "Choose one of them.",
    ),
    "range": FaultText(
        "超出范围：应 {bound}。", "Out of range: should be {bound}.", "改正数值。", "Correct it."
    ),
    "length": FaultText(
        "长度不符：{bound}。", "Wrong length: {bound}.", "改正长度。", "Shorten or lengthen it."
    ),
    "code_form": FaultText(
        "编码只能用字母、数字和 _ . : -。",
        "A code is made of letters, digits and _ . : - only.",
        "改正编码。",
        "Correct the code.",
    ),
    "region_form": FaultText(
        "不是地区代码。",
        "Not the code of a region.",
        "写 GB/T 2260 省级代码，如 320000，或国家代码，如 KR。",
        "Give the GB/T 2260 code of the province, such as 320000, or a country such as KR.",
    ),
    "clock_form": FaultText(
        "不是一天中的时刻。", "Not a time of day.", "写成 08:00。", "Write it like 08:00."
    ),
    "duration_form": FaultText(
        "不是时长，或超过 31 天。",
        "No duration, or one of more than 31 days.",
        "写成 90s、15m 或 1h30m。",
        "Write it like 90s, 15m or 1h30m.",
    ),
    "month_day_form": FaultText(
        "不是一年中的某日。",
        "Not a day of the year.",
        "写成 07-01；二月末写 02-29。",
        "Write it like 07-01; the end of February is 02-29.",
    ),
    "code_dots": FaultText(
        "编码只有点。", "Nothing but dots.", "加字母或数字。", "Add a letter or a digit."
    ),
    "text_hidden": FaultText(
        "含不可见或改变方向的字符 {character}。",
        "Holds {character}, which cannot be seen or turns the reading order.",
        "删除该字符。",
        "Delete that character.",
    ),
    "text_blank": FaultText("文本为空白。", "The text is blank.", "填写内容。", "Fill it in."),
    "day_form": FaultText(
        "不是日期。", "Not a date.", "写成 2026-01-31。", "Write it like 2026-01-31."
    ),
    "instant_form": FaultText(
        "不是带时差的时刻。",
        "Not an instant with its offset.",
        "写成 2026-01-01T00:00:00+08:00。",
        "Write it like 2026-01-01T00:00:00+08:00.",
    ),
    "instant_range": FaultText(
        "年份不在 1990 至 2199 之间。",
        "Not in the years 1990 to 2199.",
        "改正年份。",
        "Correct the year.",
    ),
    "invalid": FaultText("无效：{problem}。", "Invalid: {problem}.", "改正。", "Correct it."),
}
