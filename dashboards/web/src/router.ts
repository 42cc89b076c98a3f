import { createRouter, createWebHistory, type RouteLocationNormalized } from "vue-router";
import { Problem } from "./api/problem";
import { findSession, useSession } from "./session/useSession";

/** What the address of every view may say, and keeps from view to view. */
const KEPT = ["site", "screen", "lang", "theme", "period", "first", "last", "unit"] as const;

export const VIEWS = ["overview", "alerts", "flow", "balance", "benchmarks", "trends", "meters", "review", "bill", "files", "park"] as const;
export type View = (typeof VIEWS)[number];

const load: Record<View, () => Promise<unknown>> = {
  overview: () => import("./views/overview/OverviewView.vue"),
  alerts: () => import("./views/alerts/AlertsView.vue"),
  flow: () => import("./views/flow/FlowView.vue"),
  balance: () => import("./views/balance/BalanceView.vue"),
  benchmarks: () => import("./views/benchmarks/BenchmarksView.vue"),
  trends: () => import("./views/trends/TrendsView.vue"),
  meters: () => import("./views/meters/MetersView.vue"),
  review: () => import("./views/review/ReviewView.vue"),
  bill: () => import("./views/bill/BillView.vue"),
  files: () => import("./views/files/FilesView.vue"),
  park: () => import("./views/park/ParkView.vue"),
};

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", name: "home", redirect: () => ({ name: firstView() }) },
    { path: "/sign-in", name: "sign-in", component: () => import("./shell/SignIn.vue"), meta: { isOpen: true } },
    ...VIEWS.map((view) => ({ path: `/${view}/:rest(.*)*`, name: view, component: load[view] })),
    { path: "/:rest(.*)*", name: "missing", component: () => import("./shell/MissingView.vue") },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

/** An operator of a park comes to see the park. */
function firstView(): View {
  return useSession().isPark.value ? "park" : "overview";
}

/** The views that who is signed in may see, the first one first. */
export function viewsFor(isPark: boolean): View[] {
  const own: View[] = ["overview", "alerts", "flow", "balance", "benchmarks", "trends", "meters", "review", "bill", "files"];
  return isPark ? ["park", ...own] : own;
}

/** Begins to load the view of an address before it is known who asks: both take their time. */
export function loadEarly(path: string): void {
  const view = VIEWS.find((name) => path === `/${name}` || path.startsWith(`/${name}/`));
  if (view) void load[view]();
}

async function isKnown(): Promise<boolean> {
  try {
    return (await findSession()) !== null;
  } catch (error) {
    // The centre does not answer: sign-in says so, and tries again.
    if (error instanceof Problem) return false;
    throw error;
  }
}

function keptQuery(to: RouteLocationNormalized, from: RouteLocationNormalized): Record<string, string> | null {
  const missing = KEPT.filter((name) => typeof from.query[name] === "string" && to.query[name] === undefined);
  if (missing.length === 0 || from.name === to.name) return null;
  return Object.fromEntries(missing.map((name) => [name, String(from.query[name])]));
}

router.beforeEach(async (to, from) => {
  if (to.meta.isOpen) return true;
  if (!(await isKnown())) {
    return { name: "sign-in", query: to.path === "/" ? to.query : { ...looks(to), back: to.fullPath } };
  }
  // Before the session was known, the way home could not say which view is the first.
  if (to.redirectedFrom?.name === "home" && to.name !== firstView()) return { name: firstView(), query: to.query };
  const kept = keptQuery(to, from);
  return kept === null ? true : { ...to, query: { ...kept, ...to.query }, replace: true };
});

function looks(to: RouteLocationNormalized): Record<string, string> {
  const given = ["lang", "theme", "screen"].filter((name) => typeof to.query[name] === "string");
  return Object.fromEntries(given.map((name) => [name, String(to.query[name])]));
}
