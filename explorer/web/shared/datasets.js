// The list of data sets that the catalogue holds.

// Renew it in place; row counts that are known stay.
export function renewDatasets(list, datasets) {
  const rows = Object.fromEntries(list.map((one) => [one.name, one.rows]));
  list.splice(
    0,
    Infinity,
    ...datasets.map((one) => (one.here && rows[one.name] ? { ...one, rows: rows[one.name] } : one)),
  );
}
