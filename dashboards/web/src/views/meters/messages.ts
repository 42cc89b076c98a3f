import { messages } from "@/i18n/messages";

export default messages({ about: "每块表的最新值、时效与质量" }, { about: "Last value, age and quality of every meter" });
