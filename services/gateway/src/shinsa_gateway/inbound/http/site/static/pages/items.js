// The samples of a run: a list that can be narrowed, and one of them whole.

import { all, get, newest, reportOf } from "../api.js";
import { fill, h } from "../dom.js";
import { count } from "../format.js";
import { t, word } from "../i18n.js";
import { link, query, setQuery } from "../location.js";
import { tell, trouble } from "../layout.js";
import { choice, mark, primaries, save } from "../widgets.js";
import { itemView } from "./item_view.js";

const PAGE = 100;
const MOST_SAVED = 100000;
const REASONS = ["truncated", "judge_unreadable", "empty", "refused", "no_code", "simulation_failed"];

export async function render({ parts: [runId], signal }) {
  const [run, report] = await Promise.all([get(`/v1/runs/${encodeURIComponent(runId)}`, {}, signal), reportOf(runId, signal)]);
  const view = { run, report, primaries: primaries(report), signal, turn: newest(signal), items: [], cursor: "", categories: new Set(), list: h("ul", { class: "entries" }), count: h("div", { class: "more" }), detail: h("div", {}), bar: h("div", {}) };
  bar(view);
  await load(view);
  view.list.addEventListener("keydown", (event) => moved(view, event));
  return {
    title: `${t("items.title")} · ${run.spec.model}`,
    nodes: h(
      "div",
      { class: "page full" },
      h("div", { class: "heading" }, h("h1", {}, t("items.title")), h("a", { href: link(`/runs/${run.id}`) }, `${run.spec.model} · ${run.id}`)),
      view.bar,
      h("div", { class: "browser" }, h("nav", { class: "list", "aria-label": t("items.title") }, view.list, view.count), view.detail),
    ),
    ready: () => open(view, query().get("item") || view.items[0]?.id),
  };
}

function wanted() {
  const now = query();
  const wish = (name) => now.get(name) ?? "";
  return { benchmark: wish("benchmark"), status: wish("status"), reason: wish("reason"), category: wish("category"), wrong_only: wish("wrong") ? "true" : "", disagreed_only: wish("disagreed") ? "true" : "", shots: wish("shots"), sample_id: wish("sample") };
}

async function load(view, more = false) {
  const signal = view.turn();
  const path = `/v1/runs/${encodeURIComponent(view.run.id)}/items`;
  const page = await get(path, { ...wanted(), page_size: PAGE, cursor: more ? view.cursor : "" }, signal);
  signal.throwIfAborted();
  view.items = more ? [...view.items, ...page.items] : page.items;
  view.cursor = page.next_cursor ?? "";
  listed(view);
  const known = view.categories.size;
  page.items.forEach((item) => item.category && view.categories.add(item.category));
  if (view.categories.size > known) bar(view);
}

function bar(view) {
  const now = wanted();
  const any = [["", t("filter.any")]];
  const benchmarks = [...new Set(view.run.plan.map((one) => one.benchmark))].map((id) => [id, id]);
  const shots = [...new Set(view.run.plan.map((one) => String(one.shots)))].map((one) => [one, t("items.shots", { shots: one })]);
  const statuses = ["scored", "model_error", "infra_error"].map((one) => [one, word("outcome", one)]);
  const known = new Set([...(view.report?.reasons.filter((one) => one.status !== "scored").map((one) => one.reason).filter(Boolean) ?? REASONS), ...(now.reason ? [now.reason] : [])]);
  const reasons = [...known].map((one) => [one, word("reason", one)]);
  const change = (name) => (value) => changed(view, { [name]: value });
  const focused = controls(view).indexOf(document.activeElement);
  fill(
    view.bar,
    h(
      "div",
      { class: "toolbar" },
      choice(t("run.benchmark"), [...any, ...benchmarks], now.benchmark, change("benchmark")),
      shots.length > 1 && choice(t("run.shots"), [...any, ...shots], now.shots, change("shots")),
      choice(t("report.status"), [...any, ...statuses], now.status, change("status")),
      choice(t("report.reason"), [...any, ...reasons], now.reason, change("reason")),
      categories(view, now, any, change("category")),
      h("label", { class: "check" }, h("input", { type: "checkbox", name: "wrong", checked: Boolean(now.wrong_only), onchange: (event) => changed(view, { wrong: event.target.checked ? "1" : "" }) }), h("span", {}, t("items.wrong"))),
      h("label", { class: "with-label" }, h("span", {}, t("compare.sample")), h("input", { type: "search", name: "sample", value: now.sample_id, onchange: (event) => change("sample")(event.target.value.trim()) })),
      h("span", { class: "push row" }, quick(view)),
    ),
  );
  controls(view)[focused]?.focus();
}

function controls(view) {
  return [...view.bar.querySelectorAll("select, input, button")];
}

// Categories are known from the report's scores by category, and from what was listed.
function categories(view, now, any, onChange) {
  for (const score of view.report?.scores ?? []) {
    const [, category] = /^[^/]*\/(.+)$/.exec(score.metric) ?? [];
    if (category) view.categories.add(category);
  }
  if (now.category) view.categories.add(now.category);
  if (!view.categories.size) return null;
  return choice(t("items.category"), [...any, ...[...view.categories].sort().map((one) => [one, one])], now.category, onChange);
}

function quick(view) {
  const presets = [["wrong", { wrong: "1" }], ["unreadable", { reason: "judge_unreadable" }], ["truncated", { reason: "truncated" }], ["disagreed", { disagreed: "1" }], ["all", {}]];
  const none = { wrong: "", disagreed: "", reason: "", status: "", category: "" };
  return presets.map(([name, wish]) => h("button", { class: "button tiny", onclick: () => changed(view, { ...none, ...wish }) }, t(`items.only_${name}`)));
}

// The bar shows a choice at once; only the list waits for the answer, and only for the answer to the newest choice.
async function changed(view, changes) {
  setQuery({ ...changes, item: "" });
  // "More" of what was chosen before is no part of this.
  Object.assign(view, { items: [], cursor: "" });
  bar(view);
  if (await listedAgain(view)) open(view, view.items[0]?.id);
}

async function listedAgain(view, more = false) {
  try {
    await load(view, more);
    return true;
  } catch (error) {
    if (error.name !== "AbortError") fill(view.detail, trouble(error, () => changed(view, {})));
    return false;
  }
}

function listed(view) {
  const entry = (item) => h("li", {}, h("a", { href: `?${withItem(item.id)}`, dataset: { item: item.id }, onclick: (event) => chosen(view, event, item.id) }, mark(item, view.primaries), h("span", {}, `${item.benchmark} #${item.sample_id}`), h("span", { class: "faint small" }, t("items.shots", { shots: item.shots })), h("span", { class: "line", lang: "ja" }, item.answer || item.detail || word("reason", item.reason || "none"))));
  fill(view.list, view.items.map(entry));
  fill(
    view.count,
    h("span", { role: "status" }, view.items.length ? t("items.count", { count: view.items.length + (view.cursor ? "+" : "") }) : t("items.none")),
    view.cursor && h("button", { class: "button tiny", onclick: () => listedAgain(view, true) }, t("action.more")),
    view.items.length > 0 && h("button", { class: "button tiny", onclick: (event) => download(view, event.target) }, t("action.download_json")),
  );
}

async function download(view, button) {
  button.disabled = true;
  try {
    const path = `/v1/runs/${encodeURIComponent(view.run.id)}/items`;
    const { entries, more } = await all(path, wanted(), "items", { limit: MOST_SAVED, signal: view.signal });
    save(`${view.run.id}-items.jsonl`, entries.map((one) => JSON.stringify(one)).join("\n") + "\n", "application/jsonl");
    if (more) tell(t("items.cut", { count: count(entries.length), run: view.run.id }));
  } catch (error) {
    if (!view.signal.aborted) tell(error.message);
  } finally {
    button.disabled = false;
  }
}

function withItem(id) {
  const now = query();
  now.set("item", id);
  return now.toString();
}

function chosen(view, event, id) {
  if (event.metaKey || event.ctrlKey || event.button) return;
  event.preventDefault();
  open(view, id);
}

function moved(view, event) {
  const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const links = [...view.list.querySelectorAll("a")];
  const next = links[links.indexOf(document.activeElement) + step];
  if (!next) return;
  next.focus();
  open(view, next.dataset.item);
}

async function open(view, id) {
  view.list.querySelector("[aria-current]")?.removeAttribute("aria-current");
  view.opened = id;
  if (!id) {
    fill(view.detail, h("div", { class: "empty" }, h("p", {}, t("items.none"))));
    return;
  }
  setQuery({ item: id });
  view.list.querySelector(`[data-item="${CSS.escape(id)}"]`)?.setAttribute("aria-current", "true");
  try {
    const item = await get(`/v1/items/${encodeURIComponent(id)}`, {}, view.signal);
    if (view.opened === id) fill(view.detail, itemView(item, view.primaries));
  } catch (error) {
    if (!view.signal.aborted && view.opened === id) fill(view.detail, trouble(error, () => open(view, id)));
  }
}
