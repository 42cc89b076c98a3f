import { computed, readonly, ref, type ComputedRef, type Ref } from "vue";
import { asProblem } from "@/api/client";
import { getSession, signIn as askToSignIn, signOut as askToSignOut } from "@/api/routes";
import type { Me } from "@/api/types";

/** Kept so that a browser that never signed in is not answered 401 before it has asked for anything. */
const HINT = "nengtan.session";

const me = ref<Me | null>(null);
let asked = false;

export interface Session {
  me: Readonly<Ref<Me | null>>;
  isPark: ComputedRef<boolean>;
  may(permission: string): boolean;
}

const isPark = computed(() => me.value?.tenant_kind === "park");

export function useSession(): Session {
  return {
    me: readonly(me) as Readonly<Ref<Me | null>>,
    isPark,
    may: (permission) => me.value?.permissions.includes(permission) ?? false,
  };
}

/** Whether this browser has signed in, so that asking is worth it. */
export function hasSignedIn(): boolean {
  return localStorage.getItem(HINT) !== null;
}

let finding: Promise<Me | null> | null = null;

/** Finds out once who the cookie belongs to; throws a Problem if the centre cannot say. */
export function findSession(): Promise<Me | null> {
  finding ??= find().finally(() => {
    finding = null;
  });
  return finding;
}

async function find(): Promise<Me | null> {
  if (me.value !== null || asked || !hasSignedIn()) return me.value;
  try {
    me.value = await getSession();
    asked = true;
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status !== 401) throw problem;
    forgetSession();
  }
  return me.value;
}

export async function signIn(login: string, password: string): Promise<Me> {
  me.value = await askToSignIn(login, password);
  localStorage.setItem(HINT, "1");
  asked = true;
  return me.value;
}

export async function signOut(): Promise<void> {
  await askToSignOut();
  forgetSession();
}

export function forgetSession(): void {
  localStorage.removeItem(HINT);
  me.value = null;
  asked = true;
}
