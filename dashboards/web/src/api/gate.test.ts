import { describe, expect, it } from "vitest";
import { Gate } from "./gate";

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe("the gate", () => {
  it("lets so many act at once, the others in turn", async () => {
    const gate = new Gate(2);
    const finish: (() => void)[] = [];
    const begun: number[] = [];
    const all = [0, 1, 2, 3].map((index) =>
      gate.run(() => {
        begun.push(index);
        return new Promise<void>((resolve) => finish.push(resolve));
      }),
    );
    await settle();
    expect(begun).toEqual([0, 1]);
    finish[0]?.();
    await settle();
    expect(begun).toEqual([0, 1, 2]);
    finish[1]?.();
    await settle();
    finish.slice(2).forEach((each) => each());
    await Promise.all(all);
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it("gives its place on after a failure, and does not act for who has gone", async () => {
    const gate = new Gate(1);
    const gone = new AbortController();
    const first = gate.run(() => Promise.reject(new Error("fault")));
    const second = gate.run(() => Promise.resolve("acted"), gone.signal);
    const third = gate.run(() => Promise.resolve("third"));
    gone.abort(new Error("gone"));
    await expect(first).rejects.toThrow("fault");
    await expect(second).rejects.toThrow("gone");
    await expect(third).resolves.toBe("third");
  });
});
