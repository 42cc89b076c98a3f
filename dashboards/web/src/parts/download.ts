import { addressOf, type Query } from "@/api/client";
import { problemOf, unreachable } from "@/api/problem";

/** Saves a table of the centre as a file of CSV: all rows of the period, whatever the page shows. */
export async function downloadCsv(path: string, query: Query, fileName: string): Promise<void> {
  const response = await ask(addressOf(path, query));
  if (!response.ok) throw await problemOf(response);
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = fileName;
  link.click();
  // The browser reads it after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

async function ask(address: string): Promise<Response> {
  try {
    return await fetch(address, { credentials: "same-origin", headers: { Accept: "text/csv" } });
  } catch {
    throw unreachable();
  }
}
