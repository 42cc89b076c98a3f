import type { Place } from "./network";

/** Places as a tree, looked at from one of them. */
export interface Tree {
  place(code: string): Place | null;
  /** Where everything inside the fence hangs; null where there is no single such place. */
  root: string | null;
  children(code: string): Place[];
  /** From the root down to the place, both included. */
  path(code: string): Place[];
}

export function treeOf(places: readonly Place[]): Tree {
  const found = new Map(places.map((place) => [place.code, place]));
  const below = new Map<string, Place[]>();
  for (const place of places) {
    if (place.parent !== null) below.set(place.parent, [...(below.get(place.parent) ?? []), place]);
  }
  const roots = places.filter((place) => !isOutside(place) && (place.parent === null || !found.has(place.parent)));
  const [first] = roots;
  return {
    place: (code) => found.get(code) ?? null,
    root: roots.length === 1 && first !== undefined && below.has(first.code) ? first.code : null,
    children: (code) => below.get(code) ?? [],
    path: (code) => pathOf(found, code),
  };
}

/** Beyond the fence: energy comes from there or is delivered there. */
export function isOutside(place: Place): boolean {
  return place.kind === "source" || place.kind === "delivery";
}

/** The place that is to be looked into: what is asked for if it has an inside, else the whole site. */
export function focusOf(tree: Tree, asked: string | null): string | null {
  return asked !== null && tree.children(asked).length > 0 ? asked : tree.root;
}

/** What a place is drawn as when one looks into `focus`, and whether that lies in it. */
export function groupOf(tree: Tree, code: string, focus: string | null): { code: string; isInside: boolean } {
  const place = tree.place(code);
  if (place === null || isOutside(place)) return { code, isInside: false };
  const path = tree.path(code).map((step) => step.code);
  if (focus === null) return { code: path[0] ?? code, isInside: true };
  const at = path.indexOf(focus);
  if (at >= 0) return { code: path[at + 1] ?? focus, isInside: true };
  const around = new Set(tree.path(focus).map((step) => step.code));
  return { code: path.find((step) => !around.has(step)) ?? code, isInside: false };
}

/** Places drawn as this one: itself and all below. */
export function insideOf(tree: Tree, code: string): string[] {
  const found = [code];
  const seen = new Set(found);
  for (const at of found) {
    for (const child of tree.children(at)) {
      if (!seen.has(child.code)) {
        seen.add(child.code);
        found.push(child.code);
      }
    }
  }
  return found;
}

function pathOf(found: ReadonlyMap<string, Place>, code: string): Place[] {
  const path: Place[] = [];
  const seen = new Set<string>();
  for (let at: string | null = code; at !== null && !seen.has(at); ) {
    seen.add(at);
    const place: Place | undefined = found.get(at);
    if (place === undefined) break;
    path.unshift(place);
    at = place.parent;
  }
  return path;
}
