import type { Bilingual } from "./types";

/** One thing that is wrong with a document that was sent. */
export interface FaultInDocument {
  pointer: string;
  detail: string;
  detail_zh?: string;
  remedy?: string;
  remedy_zh?: string;
  nearest?: string | null;
  /** Of a file: where it stands, and what stands there. */
  line?: number;
  column?: string;
  value?: string;
}

/** Why a request has no answer: the centre's problem document (RFC 9457), or what stood in its way. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: Bilingual,
    readonly detail: Bilingual,
    readonly pointer: string | null = null,
    readonly errors: readonly FaultInDocument[] = [],
  ) {
    super(`${code}: ${detail.en}`);
    this.name = "Problem";
  }

  /** It may be over the next time: nobody answered, or the centre could not. */
  get isPassing(): boolean {
    return this.code === "unreachable" || this.status >= 500 || this.status === 429;
  }
}

interface ProblemDocument {
  status: number;
  code: string;
  title: string;
  title_zh: string;
  detail: string;
  detail_zh: string;
  pointer?: string;
  errors?: FaultInDocument[];
}

function isProblemDocument(body: unknown): body is ProblemDocument {
  return typeof body === "object" && body !== null && "code" in body && "detail_zh" in body;
}

const UNREACHABLE: Bilingual = { zh: "无法连接中心", en: "The centre cannot be reached" };

/** No connection, or none in time, for what is asked again by itself. */
export function unreachable(): Problem {
  return new Problem(0, "unreachable", UNREACHABLE, {
    zh: "网络中断或服务未运行，恢复后自动重试",
    en: "No network, or the service is not running; it is tried again by itself",
  });
}

/** No connection, or none in time, for what somebody did: it may have been done, and is not done again by itself. */
export function unanswered(): Problem {
  return new Problem(0, "unreachable", UNREACHABLE, {
    zh: "网络中断或服务未运行。未收到应答，不会自动重试；请先核对是否已生效，再重试",
    en: "No network, or the service is not running. Whether it was done is not known, and it is not tried again by itself: look, then try again",
  });
}

/** What an answer that is no success amounts to. */
export async function problemOf(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  if (isProblemDocument(body)) {
    return new Problem(
      response.status,
      body.code,
      { zh: body.title_zh, en: body.title },
      { zh: body.detail_zh, en: body.detail },
      body.pointer ?? null,
      body.errors ?? [],
    );
  }
  const status = String(response.status);
  return new Problem(
    response.status,
    "unreadable",
    { zh: "无法读取应答", en: "The answer cannot be read" },
    { zh: `中间代理返回了 ${status}`, en: `Something between this page and the centre answered ${status}` },
  );
}
