// The list of data sets that the catalogue holds.

/** @import { DataSet } from "../types.d.ts" */

// Renew it in place; row counts that are known stay.
/** @type {(list: DataSet[], datasets: DataSet[]) => void} */
export function renewDatasets(list, datasets) {
  const rows = Object.fromEntries(list.map((one) => [one.name, one.rows]));
  list.splice(
    0,
    Infinity,
    ...datasets.map((one) => (one.here && rows[one.name] ? { ...one, rows: rows[one.name] } : one)),
  );
}
