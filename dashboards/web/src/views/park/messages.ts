import { messages } from "@/i18n/messages";

export default messages({ about: "成员企业的汇总，不含曲线" }, { about: "Sums of the member enterprises, no curves" });
