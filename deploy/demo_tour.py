"""What the demo says when it is ready: the address, who may sign in, and what to look at."""

from collections.abc import Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from services import clock

_TIME_ZONE = "Asia/Shanghai"

_COMMAND = ".venv/bin/python -m deploy.cli"

_ROLES = {
    "viewer": "只读 reads",
    "operator": "运行 operates",
    "energy_manager": "能源管理 manages energy",
    "verifier": "核查 verifies",
    "tenant_admin": "租户管理 administers the tenant",
    "system_admin": "系统管理 administers the system",
    "park_operator": "园区运营 operates the park",
}

_STEPS = (
    (
        "总览 /overview",
        "用 energy_manager@demo 登录：今日能耗、tce、tCO₂ 与强度在走字。",
        "sign in as energy_manager@demo: today's energy, tce, tCO2 and intensity count up.",
    ),
    (
        "能流 /flow",
        "切换 kWh、GJ、tce、tCO₂，点“铸造车间”下钻；冲天炉余热变成蒸汽，蒸汽变成冷。",
        "switch kWh, GJ, tce, tCO2; drill into Foundry: coke makes steam, and steam makes cold.",
    ),
    (
        "趋势 /trends",
        "两周历史在后台补齐，今天最先；比较两个班次。",
        "two weeks of history fill in behind, today first; compare the shifts.",
    ),
    (
        "表计 /meters",
        "末值、数据龄期、质量与缺口。",
        "last value, age, quality and gaps.",
    ),
    (
        "告警 /alerts",
        "运行下方的 over-emission：约半分钟后告警响起，时间线说明原因；规则可试算历史。",
        "run over-emission below: an alert rings within a minute, and its story says why.",
    ),
    (
        "园区 /park",
        "用 park_operator@demo-park 登录：只见成员合计，不见曲线。",
        "sign in as park_operator@demo-park: members' sums, no curves.",
    ),
    (
        "异常 faults",
        "另开终端运行下列命令，终端会说明看哪里。",
        "run one of these in another terminal; it says where to look.",
    ),
)


def print_tour(
    users: Mapping[str, str], *, key: str, folder: str, port: int, seconds: float
) -> None:
    """Print the address, users by role, the tour and the first requests."""
    page = f"http://127.0.0.1:{port}/"
    today = clock.now().astimezone(ZoneInfo(_TIME_ZONE)).date()
    span = f"start={today}T00:00:00%2B08:00&end={today + timedelta(days=1)}T00:00:00%2B08:00"
    hours = "$API/energy?site=main&node=plant&interval=hour&$DAY"
    lines = [
        "",
        f"能碳 Nengtan 已就绪 is ready ({seconds:.0f} s): {page}",
        "",
        "用户 users (name@tenant, password, role):",
        *(
            f"  {login:<30} {password:<24} {_ROLES[login.split('@')[0]]}"
            for login, password in users.items()
        ),
        "",
        "两分钟导览 two-minute tour (?lang=en, ?theme=dark, ?screen=1):",
    ]
    for number, (place, zh, en) in enumerate(_STEPS, start=1):
        lines += [f"  {number}. {place}", f"     {zh}", f"     {en}"]
    lines += [
        *(
            f"     {_COMMAND} demo-fault {kind} --folder {folder}"
            for kind in ("over-emission", "meter-exchange", "gap", "spike", "wrong-meter")
        ),
        "",
        "接口 API:",
        f"  API={page}api/v1 KEY={key}",
        f'  DAY="{span}"',
        '  curl -H "X-API-Key: $KEY" "$API/points?site=main"',
        '  curl -H "X-API-Key: $KEY" "$API/energy-flow?site=main&unit=tce&$DAY"',
        f'  curl -H "X-API-Key: $KEY" -H "Accept: text/csv" "{hours}"',
        "",
        "Ctrl-C 停止 stops everything.",
        "",
    ]
    print("\n".join(lines), flush=True)
