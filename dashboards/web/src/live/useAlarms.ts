import { inject, onScopeDispose, provide, type InjectionKey } from "vue";
import { listAlerts } from "@/api/alertRoutes";
import type { ActiveAlerts } from "@/api/types";
import { useAnswer, type AnswerUse } from "@/use/useAnswer";
import { onAlert } from "./useLive";

/** Should an event be lost, a badge is wrong for so long at most. */
const EVERY_MS = 60_000;
/** A storm of alerts is asked about once. */
const WAIT_MS = 400;
const KEY: InjectionKey<AnswerUse<ActiveAlerts>> = Symbol("alarms");

/** What fires in the tenant, asked again whenever the stream says so; the shell alone calls it. */
export function startAlarms(): AnswerUse<ActiveAlerts> {
  const use = useAnswer((signal) => listAlerts(signal), { everyMs: EVERY_MS, isEmpty: ({ alerts }) => alerts.length === 0 });
  let later: ReturnType<typeof setTimeout> | null = null;
  onAlert(() => {
    later ??= setTimeout(() => {
      later = null;
      use.reload();
    }, WAIT_MS);
  });
  onScopeDispose(() => {
    if (later !== null) clearTimeout(later);
  });
  provide(KEY, use);
  return use;
}

/** What fires in the tenant; any component within the shell may call it. */
export function useAlarms(): AnswerUse<ActiveAlerts> {
  const found = inject(KEY);
  if (found === undefined) throw new Error("asked what fires outside the shell");
  return found;
}
