import { createApp } from "vue";
import { whenSignedOut } from "./api/client";
import App from "./App.vue";
import { i18n } from "./i18n";
import { router } from "./router";
import { forgetSession } from "./session/useSession";
import "./styles/base.css";
import { startTheme } from "./use/useTheme";

startTheme(new URLSearchParams(location.search).get("theme"));

whenSignedOut(() => {
  forgetSession();
  const here = router.currentRoute.value;
  if (here.name !== "sign-in") void router.replace({ name: "sign-in", query: { back: here.fullPath } });
});

createApp(App).use(i18n).use(router).mount("#page");
