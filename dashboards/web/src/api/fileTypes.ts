/** What the centre answers of files: what was sent, what it found in them, what became of them. */

export const IMPORT_KINDS = ["readings", "bills"] as const;
export type ImportKind = (typeof IMPORT_KINDS)[number];
export const POLICIES = ["all_or_nothing", "skip_bad"] as const;
export type Policy = (typeof POLICIES)[number];
export type ImportState = "uploaded" | "checked" | "requested" | "done" | "refused" | "cancelled" | "undo_requested" | "withdrawn";
export const FILE_FORMATS = ["csv", "xlsx", "parquet"] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];

/** A cell that is no reading, with the reason and what to do. */
export interface FileFault {
  line: number;
  column: string;
  value: string;
  code: string;
  en: string;
  zh: string;
}

/** What was found in a file; of one that could not be read at all, only why. */
export interface ImportReport {
  refused?: { code: string; en: string; zh: string };
  rows?: number;
  readings?: number;
  missing?: number;
  totals_left_out?: number;
  first?: string | null;
  last?: string | null;
  zone_assumed?: boolean;
  sheet?: string;
  warnings?: { en: string; zh: string }[];
  new?: number;
  duplicate?: number;
  conflict?: number;
  rejected?: number;
  rejected_by_code?: Record<string, number>;
  errors?: FileFault[];
  points?: { point: string; readings: number }[];
  same_as?: number[];
}

export interface FileImport {
  id: number;
  site: string;
  kind: ImportKind;
  state: ImportState;
  policy: Policy | null;
  file_name: string;
  size_bytes: number;
  sha256: string;
  report: ImportReport | null;
  stored: number;
  duplicate: number;
  conflict: number;
  quarantined: number;
  uploaded_at: string;
  uploaded_by: string;
  requested_at: string | null;
  requested_by: string | null;
  finished_at: string | null;
  withdrawn_by: string | null;
  withdrawn_reason: string | null;
  withdrawn_at: string | null;
  withdrawn_count: number | null;
  share: number | null;
}

export interface FileImports {
  imports: FileImport[];
  next_cursor: string | null;
}

/** What stands of the hourly factors of a place in a year of the site. */
export interface HourlyYear {
  region: string;
  year: number;
  start: string;
  end: string;
  hour_count: number;
  lacking_hour_count: number;
  mean_tco2_per_mwh: number | null;
  sources: string[];
  stated_at: string;
}

/** What stating hours did; without a statement all of them stood already. */
export interface StatedHours {
  statement: { region: string; start: string; end: string; hour_count: number; lacking_hour_count: number } | null;
  changed_hour_count: number;
}
