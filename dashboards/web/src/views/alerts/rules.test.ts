import { describe, expect, it } from "vitest";
import type { RuleDocument, RuleGroupStated } from "@/api/types";
import { groupsOf, numbersIn, withNumber, withRule, type GroupListed } from "./rules";

const rule = (alert: string, expr = "power_kw > 1 kW"): RuleDocument => ({ alert, expr, annotations: { summary: { zh: alert, en: alert } } });
const stated = (revision: number, holds: boolean, ...rules: RuleDocument[]): RuleGroupStated => ({
  group: "own", revision, holds, stated_at: "", stated_by: "", document: { name: "own", rules },
});
const only = (groups: GroupListed[]): GroupListed => groups[0] as GroupListed;

describe("groups of rules", () => {
  it("have ready-made ones that are off until they are stated", () => {
    const [made] = groupsOf([], [{ name: "carbon", rules: [rule("A")] }]);
    expect(made?.rules).toEqual([{ rule: rule("A"), isOn: false, isReadyMade: true, isChanged: false }]);
  });

  it("keep as off what an earlier statement had, in its last form", () => {
    const group = only(groupsOf([stated(1, false, rule("A"), rule("B", "power_kw > 2 kW")), stated(2, true, rule("A"))], []));
    expect(group.rules.map(({ rule: { alert, expr }, isOn }) => [alert, expr, isOn])).toEqual([["A", "power_kw > 1 kW", true], ["B", "power_kw > 2 kW", false]]);
  });

  it("say which ready-made rule was changed, whatever the order of its keys and its defaults", () => {
    const made = [{ name: "own", rules: [rule("A"), rule("B")] }];
    const same = { severity: "warning" as const, for: "0s", labels: {}, ...rule("A") };
    expect(only(groupsOf([stated(1, true, same, rule("B", "power_kw > 9 kW"))], made)).rules.map(({ isChanged }) => isChanged)).toEqual([false, true]);
  });

  it("are stated with a rule added, put in place, or taken out", () => {
    const group = only(groupsOf([stated(1, true, rule("A"), rule("B"))], []));
    const names = (name: string, put: RuleDocument | null): string[] => withRule(group, name, put).rules.map(({ alert, expr }) => `${alert} ${expr.at(-4)}`);
    expect(names("C", rule("C"))).toEqual(["A 1", "B 1", "C 1"]);
    expect(names("A", rule("Z", "power_kw > 7 kW"))).toEqual(["Z 7", "B 1"]);
    expect(names("A", null)).toEqual(["B 1"]);
  });
});

describe("numbers in a condition", () => {
  const expr = 'power_kw{node="n 1"} > 1.5 * budget(emission_tco2e[day]) / 24 h and residual_share > 5 % or x2 > 1e3';

  it("are found with their units, but not within names and texts", () => {
    expect(numbersIn(expr).map(({ text, unit }) => [text, unit])).toEqual([["1.5", ""], ["24", "h"], ["5", "%"], ["1e3", ""]]);
  });

  it("are changed where they stand", () => {
    const [first] = numbersIn("power_kw > 10 kW");
    expect(first && withNumber("power_kw > 10 kW", first, "12.5")).toBe("power_kw > 12.5 kW");
  });
});
