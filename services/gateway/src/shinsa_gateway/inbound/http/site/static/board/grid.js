// The table itself. Only the rows in sight exist, so that thousands of them scroll as fast as ten.

import { fill, h } from "../dom.js";
import { t } from "../i18n.js";

const ROW = 38;
const BEYOND = 8;
const FIXED = { rank: 58, choose: 34, model: 300 };
// Of a small screen; the scores need the rest. There rank and choice do not stay in sight (table.css).
const MOST_FOR_MODEL = 0.4;

/**
 * A grid in a scrolling region. `draw({columns, rows, rank, onSort, sort, cells...})` shows something else.
 * A column is `{id, head, title, width, className, sortable, render(row)}`.
 */
export function grid() {
  const head = h("thead", {});
  const body = h("tbody", {});
  const widths = h("colgroup", {});
  const table = h("table", { "aria-describedby": "board-count" }, h("caption", { class: "hidden" }), widths, head, body);
  const region = h("div", { class: "board", tabindex: "0", role: "region" }, table);
  const self = { region, table, head, body, widths, shown: null, drawn: new Map(), from: -1, until: -1 };
  let waiting = false;
  region.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      window_(self);
    });
  });
  new ResizeObserver(() => self.shown && window_(self)).observe(region);
  return { node: region, draw: (shown) => draw(self, shown), top: () => (region.scrollTop = 0) };
}

function draw(self, shown) {
  const focused = document.activeElement?.closest?.("th")?.dataset.column;
  self.shown = shown;
  self.drawn = new Map();
  self.from = -1;
  self.region.setAttribute("aria-label", shown.label);
  self.table.caption.textContent = shown.label;
  const model = Math.min(FIXED.model, Math.round(window.innerWidth * MOST_FOR_MODEL));
  const widths = [FIXED.rank, FIXED.choose, model, ...shown.columns.map((column) => column.width)];
  fill(self.widths, widths.map((width) => h("col", { style: { width: `${width}px` } })));
  self.table.style.width = `${widths.reduce((sum, width) => sum + width, 0)}px`;
  self.table.setAttribute("aria-rowcount", shown.rows.length + 2);
  fill(self.head, groupRow(self, shown), headRow(shown));
  self.body.replaceChildren();
  window_(self);
  if (focused) self.head.querySelector(`th[data-column="${CSS.escape(focused)}"] button`)?.focus();
}

function groupRow(self, shown) {
  const spans = [];
  for (const column of shown.columns) {
    const last = spans[spans.length - 1];
    if (last && last.name === column.group) last.count += 1;
    else spans.push({ name: column.group, count: 1 });
  }
  self.table.classList.toggle("flat", spans.every((span) => !span.name));
  return h(
    "tr",
    { class: "groups" },
    h("td", { class: "lead", colspan: 3 }),
    spans.map((span) => h(span.name ? "th" : "td", { colspan: span.count, scope: span.name ? "colgroup" : null, title: span.name || null }, span.name)),
  );
}

function headRow(shown) {
  return h(
    "tr",
    { class: "heads" },
    h("th", { class: "pin rank", scope: "col" }, t("board.rank")),
    h("th", { class: "pin choose", scope: "col" }, h("span", { class: "hidden" }, t("board.choose"))),
    headCell(shown, { id: ":model", head: t("board.model"), className: "pin model text" }),
    shown.columns.map((column) => headCell(shown, column)),
  );
}

function headCell(shown, column) {
  const active = shown.sort.column === column.id;
  const direction = active ? (shown.sort.descending ? "descending" : "ascending") : null;
  const arrow = active && h("span", { "aria-hidden": "true" }, shown.sort.descending ? " ↓" : " ↑");
  return h(
    "th",
    { scope: "col", class: column.className, "aria-sort": direction, title: column.title, dataset: { column: column.id } },
    h("button", { type: "button", onclick: () => shown.onSort(column.id) }, column.head, arrow),
  );
}

// The rows in sight and a few beyond; those that stay are kept, with their focus.
function window_(self) {
  const { rows } = self.shown;
  const height = self.region.clientHeight || 600;
  const first = Math.floor(self.region.scrollTop / ROW);
  const from = Math.max(0, Math.min(first - BEYOND, rows.length));
  const until = Math.min(rows.length, first + Math.ceil(height / ROW) + BEYOND);
  if (from === self.from && until === self.until) return;
  const near = self.from >= 0 && Math.abs(from - self.from) < BEYOND / 2 && until <= self.until + BEYOND / 2 && from > 0 && until < rows.length;
  if (near) return;
  Object.assign(self, { from, until });
  const drawn = new Map();
  for (let at = from; at < until; at += 1) drawn.set(rows[at], self.drawn.get(rows[at]) ?? bodyRow(self.shown, rows[at], at));
  place(self.body, [spacer(from * ROW), ...drawn.values(), spacer((rows.length - until) * ROW)]);
  self.drawn = drawn;
}

// Moves only what must move: a node that is taken out and put back would lose its focus.
function place(body, wanted) {
  const keep = new Set(wanted);
  for (const node of [...body.children]) if (!keep.has(node)) node.remove();
  let here = body.firstChild;
  for (const node of wanted) {
    if (node === here) here = here.nextSibling;
    else body.insertBefore(node, here);
  }
}

function spacer(height) {
  return h("tr", { class: "spacer", "aria-hidden": "true" }, h("td", { style: { height: `${height}px` } }));
}

function bodyRow(shown, row, at) {
  const place_ = shown.rank.get(row);
  const classes = [place_?.group && place_.group % 2 === 0 && "odd-group", place_?.starts && "group-start", shown.chosen.has(row.id) && "chosen"];
  return h(
    "tr",
    { class: classes.filter(Boolean).join(" ") || null, "aria-rowindex": at + 3, dataset: { row: row.id } },
    h("td", { class: "pin rank", title: place_?.group ? t("board.tie_group", { group: place_.group }) : null }, place_ ? place_.rank : "–", place_?.group && h("span", { class: "shots" }, letter(place_.group))),
    h("td", { class: "pin choose" }, h("input", { type: "checkbox", checked: shown.chosen.has(row.id), "aria-label": t("board.choose_one", { model: row.model, shots: row.shots || "–" }), onchange: (event) => shown.onChoose(row, event.target.checked) })),
    h("th", { class: "pin model text", scope: "row", title: row.model }, shown.name(row)),
    shown.columns.map((column) => column.render(row)),
  );
}

/** A tie group's name: a, b, … z, aa, … */
function letter(group) {
  const rest = Math.floor((group - 1) / 26);
  return (rest ? letter(rest) : "") + String.fromCharCode(97 + ((group - 1) % 26));
}
