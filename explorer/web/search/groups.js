// Groups of duplicates as files: what to keep of each. Nothing is ever deleted.

/** @import { DuplicatesAnswer, Member } from "./types.d.ts" */

const COLUMNS = /** @type {const} */ (["name", "keep", "distance", "width", "height", "file_bytes", "hash"]);

// `kept`: of each group the member that is kept.
/** @type {(groups: Member[][], kept: number[]) => Record<string, string | number | boolean>[]} */
export function rowsOf(groups, kept) {
  return groups.flatMap((group, i) =>
    group.map((member, j) => ({
      group: i + 1,
      ...Object.fromEntries(COLUMNS.map((key) => [key, member[key]])),
      keep: j === kept[i],
    })),
  );
}

// Text in quotes where a comma or a quote would end it. A name that a table program would compute, or a shell take for an
// option, begins with ./, which is the same file.
/** @type {(groups: Member[][], kept: number[]) => string} */
export function csvOf(groups, kept) {
  const head = ["group", ...COLUMNS];
  const lines = rowsOf(groups, kept).map((row) => head.map((key) => cell(row[key])).join(","));
  return `${[head.join(","), ...lines].join("\r\n")}\r\n`;
}

/** @type {(value: string | number | boolean) => string} */
function cell(value) {
  if (typeof value !== "string") return String(value);
  const text = /^[=+@\t\r-]/.test(value) ? `./${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @type {(answer: DuplicatesAnswer, kept: number[]) => string} */
export function jsonOf({ model, threshold, rule, groups }, kept) {
  return `${JSON.stringify({ model, threshold, rule, pictures: rowsOf(groups, kept) }, null, 1)}\n`;
}

// "1,024 × 768 px · 212 kB"
/** @type {(member: Member) => string} */
export function factsOf({ width, height, file_bytes: bytes }) {
  const size = bytes
    ? ` · ${bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`}`
    : "";
  return `${width} × ${height} px${size}`;
}
