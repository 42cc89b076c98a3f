import { messages } from "@/i18n/messages";

export default messages({ about: "能量从哪里来、到哪里去" }, { about: "Where energy comes from and where it goes" });
