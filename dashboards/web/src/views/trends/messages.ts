import { messages } from "@/i18n/messages";

export default messages({ about: "能耗、标准煤与排放随时间的变化" }, { about: "Energy, standard coal and emission over time" });
