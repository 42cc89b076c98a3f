import { listAlertRules, stateAlertRules } from "@/api/alertRoutes";
import type { RuleDocument, RuleGroupDocument, RuleGroupStated } from "@/api/types";

/** A rule that is on, or one that could be: ready-made, or of an earlier statement of its group. */
export interface RuleListed {
  rule: RuleDocument;
  isOn: boolean;
  isReadyMade: boolean;
  /** On, and not as it was made. */
  isChanged: boolean;
}

export interface GroupListed {
  name: string;
  rules: RuleListed[];
  /** The statement that holds; null: none does. */
  stated: RuleGroupStated | null;
}

/** All groups with all their rules, those that are ready-made first and in their order. */
export function groupsOf(stated: readonly RuleGroupStated[], readyMade: readonly RuleGroupDocument[]): GroupListed[] {
  const names = [...new Set([...readyMade.map(({ name }) => name), ...stated.map(({ group }) => group)])];
  return names.map((name) => {
    const statements = stated.filter(({ group }) => group === name).toSorted((a, b) => a.revision - b.revision);
    const holding = statements.find(({ holds }) => holds) ?? null;
    const made = readyMade.find((group) => group.name === name)?.rules ?? [];
    const on = holding?.document?.rules ?? [];
    const known = new Map(made.map((rule) => [rule.alert, rule]));
    for (const { document } of statements) for (const rule of document?.rules ?? []) known.set(rule.alert, rule);
    for (const rule of on) known.set(rule.alert, rule);
    const rules = [...known.values()].map((rule) => {
      const original = made.find(({ alert }) => alert === rule.alert);
      const isOn = on.some(({ alert }) => alert === rule.alert);
      return { rule, isOn, isReadyMade: original !== undefined, isChanged: original !== undefined && !isSame(original, rule) };
    });
    return { name, rules, stated: holding };
  });
}

const DEFAULTS: Partial<RuleDocument> = { for: "0s", keep_firing_for: "0s", severity: "warning" };

function isSame(a: RuleDocument, b: RuleDocument): boolean {
  return wholeOf(a) === wholeOf(b);
}

function wholeOf(rule: RuleDocument): string {
  return JSON.stringify(plain({ ...DEFAULTS, ...rule, labels: rule.labels ?? {} }));
}

/** By sorted keys, and without what is null. */
function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== null && each !== undefined);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, plain(each)]));
}

/** States a rule as `withRule` puts it, into what holds of its group now: somebody else may have stated another since it was read. */
export async function stateRule(group: GroupListed, name: string, rule: RuleDocument | null): Promise<void> {
  const { groups } = await listAlertRules();
  const statements = groups.filter((each) => each.group === group.name);
  const stated = statements.find(({ holds }) => holds) ?? null;
  await stateAlertRules(withRule({ ...group, stated }, name, rule), Math.max(0, ...statements.map(({ revision }) => revision)));
}

/** The document of a group with one rule put in place of the one of its name, added, or (null) taken out. */
export function withRule(group: GroupListed, name: string, rule: RuleDocument | null): RuleGroupDocument {
  const on = group.stated?.document?.rules ?? [];
  const has = on.some(({ alert }) => alert === name);
  const rules = rule === null ? on.filter(({ alert }) => alert !== name) : has ? on.map((each) => (each.alert === name ? rule : each)) : [...on, rule];
  return { name: group.name, rules };
}

/** A number of a condition, where it stands. */
export interface NumberIn {
  text: string;
  at: number;
  /** What follows it, as `kW` in `> 100 kW`. */
  unit: string;
  /** What stands before it, as far as it says what it is. */
  before: string;
}

const TOKEN = /"[^"]*"|[A-Za-z_]\w*|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const UNIT = /^\s*(%|[A-Za-z][\w/·*^]*)/;

/** The thresholds of a condition: what can be changed without knowing its grammar. */
export function numbersIn(expr: string): NumberIn[] {
  return [...expr.matchAll(TOKEN)]
    .filter(([text]) => /^\d/.test(text))
    .map(({ 0: text, index }) => {
      const unit = UNIT.exec(expr.slice(index + text.length))?.[1] ?? "";
      return { text, at: index, unit: unit === "and" || unit === "or" ? "" : unit, before: expr.slice(0, index).trimEnd().slice(-36) };
    });
}

/** A condition with another number at the place of one. */
export function withNumber(expr: string, { at, text }: NumberIn, other: string): string {
  return expr.slice(0, at) + other + expr.slice(at + text.length);
}
