// The samples of several runs, matched: who answered what, and the whole evidence of one of them side by side.

import { all, get, newest, reportOf } from "../api.js";
import { fill, h } from "../dom.js";
import { t } from "../i18n.js";
import { trouble } from "../layout.js";
import { query, setQuery } from "../location.js";
import { choice, mark, primaries, scrolled, segments } from "../widgets.js";
import { label } from "./compare.js";
import { itemView } from "./item_view.js";

const SHOWN = 200;

export async function samples(runs, signal) {
  const shared = runs.map((run) => new Set(run.plan.map((one) => one.benchmark))).reduce((a, b) => new Set([...a].filter((one) => b.has(one))));
  const benchmarks = [...shared];
  const now = query();
  const view = { runs, primaries: primaries(await reportOf(runs[0].id, signal)), turn: newest(signal), detailTurn: newest(signal), benchmark: now.get("benchmark") || benchmarks[0], only: now.get("only") || "different", rows: [], place: h("div", {}), detail: h("div", {}) };
  const section = h("section", { class: "section" }, h("h2", {}, t("compare.samples")));
  if (!benchmarks.length) return fill(section, h("h2", {}, t("compare.samples")), h("p", { class: "faint" }, t("compare.nothing_shared")));
  section.append(
    h(
      "div",
      { class: "toolbar" },
      choice(t("run.benchmark"), benchmarks.map((id) => [id, id]), view.benchmark, (id) => chosen(view, id)),
      segments(t("compare.which"), [["different", t("compare.different")], ["all", t("compare.all")]], view.only, (only) => narrowed(view, only)),
    ),
    view.place,
    view.detail,
  );
  await load(view);
  return section;
}

async function chosen(view, benchmark) {
  view.benchmark = benchmark;
  setQuery({ benchmark, sample: "" });
  fill(view.detail);
  try {
    await load(view);
  } catch (error) {
    if (error.name !== "AbortError") fill(view.place, trouble(error, () => chosen(view, benchmark)));
  }
}

function narrowed(view, only) {
  view.only = only;
  setQuery({ only: only === "different" ? "" : only });
  draw(view);
}

async function load(view) {
  const signal = view.turn();
  const lists = await Promise.all(view.runs.map((run) => all(`/v1/runs/${run.id}/items`, { benchmark: view.benchmark }, "items", { signal })));
  signal.throwIfAborted();
  view.more = lists.some((list) => list.more);
  view.rows = matched(lists.map((list) => list.entries));
  draw(view);
  const wanted = query().get("sample");
  const row = view.rows.find((one) => one.key === wanted);
  if (row) await open(view, row);
}

/** One row for each sample at a shot count and repetition that all runs have. */
function matched(lists) {
  const rows = new Map();
  lists.forEach((items, at) => {
    for (const item of items) {
      const key = `${item.shots}/${item.repetition}/${item.sample_id}`;
      if (!rows.has(key)) rows.set(key, { key, first: item, items: Array(lists.length).fill(null) });
      rows.get(key).items[at] = item;
    }
  });
  return [...rows.values()].filter((row) => row.items.every(Boolean));
}

/** Whether the runs did not all come out alike on a sample. */
function differs(row) {
  const outcome = (item) => item.status + JSON.stringify(item.metrics);
  return row.items.some((item) => outcome(item) !== outcome(row.items[0]));
}

function draw(view) {
  const rows = view.only === "different" ? view.rows.filter(differs) : view.rows;
  const head = h("tr", {}, h("th", { scope: "col" }, t("compare.sample")), view.runs.map((run) => h("th", { scope: "col" }, label(run, view.runs))));
  const body = rows.slice(0, SHOWN).map((row) =>
    h(
      "tr",
      {},
      h("td", {}, h("button", { class: "button tiny", dataset: { sample: row.key }, onclick: () => open(view, row) }, `#${row.first.sample_id}`), " ", h("span", { class: "faint small" }, t("items.shots", { shots: row.first.shots }))),
      row.items.map((item) => h("td", {}, mark(item, view.primaries), " ", h("span", { lang: "ja" }, clipped(item.answer)))),
    ),
  );
  const total = t("compare.rows", { shown: Math.min(rows.length, SHOWN), found: rows.length, all: view.rows.length });
  fill(
    view.place,
    h("p", { class: "faint small", role: "status" }, total, view.more && ` ${t("compare.cut")}`),
    rows.length > 0 && scrolled(t("compare.samples"), h("table", { class: "data" }, h("caption", { class: "hidden" }, t("compare.samples")), h("thead", {}, head), h("tbody", {}, body))),
  );
}

function clipped(text) {
  const flat = text.replace(/\s+/g, " ");
  return flat.length > 90 ? `${flat.slice(0, 90)}…` : flat || "–";
}

async function open(view, row) {
  setQuery({ sample: row.key });
  const signal = view.detailTurn();
  try {
    const items = await Promise.all(row.items.map((item) => get(`/v1/items/${item.id}`, {}, signal)));
    signal.throwIfAborted();
    shown(view, row, items);
  } catch (error) {
    if (error.name !== "AbortError") fill(view.detail, trouble(error, () => open(view, row)));
  }
}

function shown(view, row, items) {
  fill(
    view.detail,
    h("section", { class: "section" }, h("h2", { tabindex: "-1" }, `${row.first.benchmark} #${row.first.sample_id}`), h("div", { class: "sides", tabindex: "0", role: "region", "aria-label": t("compare.sides") }, items.map((item, at) => h("div", {}, h("h3", {}, label(view.runs[at], view.runs)), itemView(item, view.primaries))))),
  );
  view.detail.querySelector("h2").focus();
}
