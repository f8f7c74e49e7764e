// What a board's table says, made ready for choosing, sorting and ranking. All values here are from 0 to 1.

const LEVEL = 1.959964;

/** Upper ends of the size classes, in billions, each closed on the right. */
const SIZE_CLASSES = [
  [3, "0–3B"], [7.3, "3–7B"], [13, "7–13B"], [35, "13–35B"], [60, "35–60B"], [Infinity, "60B+"],
];

/** The size class of a number of parameters in billions; unknown is "?", never the smallest class. */
function sizeClass(billions) {
  if (!billions || billions <= 0) return "?";
  return SIZE_CLASSES.find(([end]) => billions <= end)[1];
}

/** What rows can be narrowed by: name and the row's value. Versions of engines and harnesses add one each. */
export function facets(rows) {
  const fixed = [
    ["type", (row) => row.meta.type],
    ["shots", (row) => row.shots],
    ["size", (row) => sizeClass(row.meta.size_b)],
    ["precision", (row) => row.meta.precision],
    ["architecture", (row) => row.meta.architecture],
    ["licence", (row) => row.meta.licence],
    ["engine", (row) => row.meta.engine],
    ["source", (row) => (row.source === "run" ? "run" : row.source_name)],
  ];
  const versions = [...new Set(rows.flatMap((row) => Object.keys(row.meta.versions ?? {})))].sort();
  const all = [...fixed, ...versions.map((name) => [`v.${name}`, (row) => row.meta.versions[name]])];
  return all.map(([name, of]) => facet(name, (row) => of(row) || "?", rows)).filter((one) => one.options.some(([value]) => value !== "?"));
}

function facet(name, of, rows) {
  const counts = new Map();
  for (const row of rows) counts.set(of(row), (counts.get(of(row)) ?? 0) + 1);
  const order = name === "size" ? [...SIZE_CLASSES.map(([, label]) => label), "?"] : [...counts.keys()].sort(byName);
  return { name, of, options: order.filter((value) => counts.has(value)).map((value) => [value, counts.get(value)]) };
}

function byName(a, b) {
  if (a === "?" || b === "?") return a === "?" ? 1 : -1;
  return a.localeCompare(b, undefined, { numeric: true });
}

/** Whether a model's name holds one of the terms, which ";" separates; the words of a term must all occur. */
export function matcher(text) {
  const plain = (word) => word.normalize("NFKC").toLowerCase();
  const terms = plain(text).split(";").map((term) => term.trim().split(/\s+/).filter(Boolean)).filter((words) => words.length);
  if (!terms.length) return () => true;
  return (row) => terms.some((words) => words.every((part) => plain(row.model).includes(part)));
}

/** A cell as `{value, stderr, complete}`, from 0 to 1. */
export function cellOf(row, column) {
  const [value, stderr, complete] = row.cells[column.id] ?? [null, null, false];
  const unit = column.scale;
  return { value: value == null ? null : value / unit, stderr: stderr == null ? null : stderr / unit, complete };
}

/**
 * The plain mean of the shown scores; null as soon as one of them is missing. What stands below a shown column errs with
 * it, so those errors add up, which is the most that they can; others are independent.
 */
export function averageOf(row, columns) {
  const cells = columns.map((column) => cellOf(row, column));
  if (!cells.length || cells.some((cell) => cell.value == null || !cell.complete)) return { value: null, stderr: null, complete: false };
  const mean = cells.reduce((sum, cell) => sum + cell.value, 0) / cells.length;
  if (cells.some((cell) => cell.stderr == null)) return { value: mean, stderr: null, complete: true };
  const shown = new Set(columns.map((column) => column.id));
  const together = new Map();
  columns.forEach((column, at) => {
    const head = column.above.find((id) => shown.has(id)) ?? column.id;
    together.set(head, (together.get(head) ?? 0) + cells[at].stderr);
  });
  return { value: mean, stderr: Math.hypot(...together.values()) / cells.length, complete: true };
}

/** Rows by `key(row)`: numbers or text; what is missing or incomplete comes last either way. */
export function sorted(rows, key, descending) {
  const sign = descending ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: key(row) }));
  keyed.sort((a, b) => {
    if (a.key == null || b.key == null) return (a.key == null) - (b.key == null) || a.row.model.localeCompare(b.row.model);
    const order = typeof a.key === "string" ? a.key.localeCompare(b.key) : a.key - b.key;
    return sign * order || a.row.model.localeCompare(b.row.model);
  });
  return keyed.map((one) => one.row);
}

/**
 * Ranks and tie groups of rows sorted by a score, best first: a Map from row to `{rank, group}`.
 * A group are the rows that cannot be told from its first row at the 95 % level. Rows without a whole value have no
 * rank; where the first row of a group has no standard error, its group is itself alone and has no number.
 */
export function ranked(rows, cell) {
  const found = new Map();
  let group = 0;
  let leader = null;
  let before = null;
  rows.forEach((row, at) => {
    const here = cell(row);
    if (here.value == null || !here.complete) return;
    const known = here.stderr != null;
    if (!leader || !tied(leader, here)) {
      leader = here;
      if (known) group += 1;
    }
    const rank = before && before.value === here.value ? before.rank : at + 1;
    before = { value: here.value, rank };
    found.set(row, { rank, group: known || leader.stderr != null ? group : null });
  });
  return found;
}

function tied(a, b) {
  if (a.stderr == null || b.stderr == null) return false;
  return Math.abs(a.value - b.value) <= LEVEL * Math.hypot(a.stderr, b.stderr);
}

/** The half width of a 95 % interval. */
export function halfWidth(stderr) {
  return LEVEL * stderr;
}
