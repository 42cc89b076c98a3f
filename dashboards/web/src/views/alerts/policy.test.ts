import { describe, expect, it } from "vitest";
import { codesOf, documentOf, firstPolicy, freeCode } from "./policy";

describe("a policy", () => {
  it("begins with codes that its steps know", () => {
    const policy = firstPolicy("Asia/Shanghai");
    for (const { steps } of policy.routes ?? []) for (const { tell } of steps) for (const code of tell) expect(codesOf(policy)).toContain(code);
  });

  it.each([["{", null], ["[]", null], ["null", null], ["3", null], ['{"schema": "x"}', { schema: "x" }]])("as %s", (text, document) => expect(documentOf(text)).toEqual(document));

  it("gets codes that nobody has", () => {
    expect(freeCode("shift", [])).toBe("shift");
    expect(freeCode("shift", ["shift", "shift-2"])).toBe("shift-3");
  });
});
