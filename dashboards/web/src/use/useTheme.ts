import { computed, ref, watchEffect, type ComputedRef } from "vue";

export type Theme = "light" | "dark";
const KEPT = "nengtan.theme";

const wanted = ref<Theme | null>(null);
const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = ref(system.matches);
const theme = computed<Theme>(() => wanted.value ?? (systemIsDark.value ? "dark" : "light"));

/** Light or dark: of the address (`?theme=`), of last time, or of the system. */
export function startTheme(asked: string | null): void {
  wanted.value = themeOf(asked) ?? themeOf(localStorage.getItem(KEPT));
  system.addEventListener("change", (event) => {
    systemIsDark.value = event.matches;
  });
  watchEffect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
}

export function useTheme(): { theme: ComputedRef<Theme>; change(): void } {
  return {
    theme,
    change: () => {
      wanted.value = theme.value === "dark" ? "light" : "dark";
      localStorage.setItem(KEPT, wanted.value);
    },
  };
}

function themeOf(text: string | null): Theme | null {
  return text === "light" || text === "dark" ? text : null;
}
