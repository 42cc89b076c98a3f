import { createApp } from "vue";
import { whenSignedOut } from "./api/client";
import App from "./App.vue";
import { i18n } from "./i18n";
import { loadEarly, router } from "./router";
import { readNomenclature } from "./session/useNomenclature";
import { findSession, forgetSession, hasSignedIn } from "./session/useSession";
import { readSites } from "./session/useSite";
import "./styles/base.css";
import { startTheme } from "./use/useTheme";

startTheme(new URLSearchParams(location.search).get("theme"));

whenSignedOut(() => {
  forgetSession();
  const here = router.currentRoute.value;
  if (here.name !== "sign-in") void router.replace({ name: "sign-in", query: { back: here.fullPath } });
});

// Asked for at once and not one after the other: each is shared with whoever asks next, who is told of a failure.
if (hasSignedIn() && location.pathname !== "/sign-in") {
  loadEarly(location.pathname);
  findSession().catch(() => undefined);
  void readSites(new URLSearchParams(location.search).get("site"));
  void readNomenclature();
}

createApp(App).use(i18n).use(router).mount("#page");
