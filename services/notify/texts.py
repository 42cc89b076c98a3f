"""What is said of each fault of an alert policy, in both languages."""

from collections.abc import Mapping

from services.plant.fault_text import FaultText, warning

TEXTS: Mapping[str, FaultText] = {
    "unknown_zone": FaultText(
        "时区不存在。",
        "No such time zone.",
        "用 IANA 名称，如 Asia/Shanghai。",
        "Use an IANA name such as Asia/Shanghai.",
    ),
    "code_twice": FaultText(
        "编码重复：通道与值班共用一套编码。",
        "The code stands twice: channels and shifts share theirs.",
        "改用另一编码。",
        "Choose another.",
    ),
    "unknown_channel": FaultText(
        "没有该通道。", "No such channel.", "改正编码。", "Correct the code."
    ),
    "unknown_target": FaultText(
        "没有该通道或值班。", "No such channel or shift.", "改正编码。", "Correct the code."
    ),
    "then_cycle": FaultText(
        "后备通道成环。",
        "Channels stand in for each other in a circle.",
        "让最后一个通道没有 then。",
        "Let the last of them have no then.",
    ),
    "field_missing": FaultText(
        "{kind} 通道缺少 {field}。",
        "A channel of kind {kind} needs {field}.",
        "补上 {field}。",
        "Add {field}.",
    ),
    "field_unused": FaultText(
        "{kind} 通道没有 {field}。",
        "A channel of kind {kind} has no {field}.",
        "删除 {field}。",
        "Delete {field}.",
    ),
    "url_refused": FaultText("{zh}。", "{en}.", "改正地址。", "Correct the URL."),
    "address_form": FaultText(
        "不是邮件地址。",
        "Not a mail address.",
        "写成 name@example.com。",
        "Write name@example.com.",
    ),
    "steps_order": FaultText(
        "步骤的延迟没有递增。",
        "The steps do not come later and later.",
        "按 after_minutes 递增排列。",
        "Order them by after_minutes, each later than the one before.",
    ),
    "hours_empty": FaultText(
        "24:00 不能作为开始。",
        "24:00 is no beginning.",
        "写 00:00。",
        "Write 00:00.",
    ),
    "route_hidden": FaultText(
        "此路由在匹配全部的路由之后，永远轮不到。",
        "This route comes after one that matches everything, and is never taken.",
        "移到前面。",
        "Move it before that.",
    ),
    "secret_unknown": warning(
        "尚未存入该密钥。",
        "No secret of this code is stored yet.",
        "用 PUT /alert-policy/secrets/{secret} 存入。",
        "Store it with PUT /alert-policy/secrets/{secret}.",
    ),
    "nobody_told": warning(
        "没有匹配全部的路由：不匹配任何路由的告警不通知任何人。",
        "No route matches everything: alerts that match none are told to nobody.",
        "在最后加一条没有 matchers 的路由。",
        "Add a last route without matchers.",
    ),
}
