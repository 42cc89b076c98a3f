import { addressOf, type Query } from "@/api/client";
import { problemOf, unanswered } from "@/api/problem";

interface Fetched {
  content: Blob;
  fileName: string | null;
  /** As the centre counted them; null where it does not say. */
  rowCount: number | null;
}

/** Saves a table of the centre as a file of CSV: all rows of the period, whatever the page shows. */
export async function downloadCsv(path: string, query: Query, fileName: string): Promise<void> {
  const { content } = await fetchFile(addressOf(path, query), { headers: { Accept: "text/csv" } });
  save(content, fileName);
}

/** Saves a file of the centre under the name that it gives; `show` is told its share as it comes. */
export async function downloadFile(
  path: string,
  query: Query,
  options: { fileName: string; show: (share: number) => void; signal: AbortSignal },
): Promise<{ fileName: string; sizeBytes: number; rowCount: number | null }> {
  const found = await fetchFile(addressOf(path, query), { signal: options.signal }, options.show);
  const fileName = found.fileName ?? options.fileName;
  save(found.content, fileName);
  return { fileName, sizeBytes: found.content.size, rowCount: found.rowCount };
}

/** Hands a file to the browser, to be saved. */
export function save(content: Blob, fileName: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = fileName;
  link.click();
  // The browser reads it after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

async function fetchFile(address: string, init: RequestInit, show: (share: number) => void = () => undefined): Promise<Fetched> {
  let response: Response;
  try {
    response = await fetch(address, { credentials: "same-origin", ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw unanswered();
  }
  if (!response.ok) throw await problemOf(response);
  const rows = response.headers.get("Nengtan-Rows");
  return {
    content: await read(response, show, init.signal ?? null),
    fileName: nameOf(response.headers.get("Content-Disposition")),
    rowCount: rows === null ? null : Number(rows),
  };
}

/** The body piece by piece, so that it is seen to come. */
async function read(response: Response, show: (share: number) => void, signal: AbortSignal | null): Promise<Blob> {
  const size = Number(response.headers.get("Content-Length") ?? 0);
  const type = response.headers.get("Content-Type") ?? "application/octet-stream";
  const pieces: BlobPart[] = [];
  let count = 0;
  try {
    const reader = response.body?.getReader();
    for (let piece = await reader?.read(); piece?.value !== undefined; piece = await reader?.read()) {
      pieces.push(piece.value);
      count += piece.value.byteLength;
      if (size > 0) show(Math.min(1, count / size));
    }
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unanswered();
  }
  return new Blob(pieces, { type });
}

/** The name that a header gives a file (RFC 6266). */
export function nameOf(disposition: string | null): string | null {
  const found = /filename\*=UTF-8''([^;]+)/.exec(disposition ?? "")?.[1];
  return found === undefined ? null : decodeURIComponent(found);
}
