// Small things that several pages show.

import { fill, h } from "./dom.js";
import { t, word } from "./i18n.js";
import { tell } from "./layout.js";
import { count } from "./format.js";

/** A table of `{head, cell(row), number?}` columns; one without a head has a `label` for screen readers. */
export function table(columns, rows, { label, empty = t("empty.none") } = {}) {
  if (!rows.length) return h("div", { class: "empty" }, h("p", {}, empty));
  const kind = (column) => (column.number ? "number" : null);
  const head = columns.map((column) => h("th", { scope: "col", class: kind(column) }, column.head || h("span", { class: "hidden" }, column.label)));
  const body = rows.map((row) =>
    h("tr", {}, columns.map((column) => h("td", { class: kind(column) }, column.cell(row)))),
  );
  return scrolled(label, h("table", { class: "data" }, h("caption", { class: "hidden" }, label), h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)));
}

/** A part of a page under its own heading. */
export function section(title, ...children) {
  return h("section", { class: "section" }, h("h2", {}, title), children);
}

/** A place that scrolls sideways and can be reached by keyboard. */
export function scrolled(label, ...children) {
  return h("div", { class: "sheet", tabindex: "0", role: "region", "aria-label": label }, children);
}

const STATE_TONES = {
  running: "live", pending: "", complete: "good", incomplete: "warn", paused: "warn", cancelled: "", failed: "bad",
  finished: "good", rejected: "bad", withdrawn: "", ready: "good", loading: "live", idle: "", unserved: "warn",
  visible: "good", resolved: "good", hidden: "",
};

/** A state of a run, submission or model. */
export function stateChip(state) {
  return h("span", { class: `chip ${STATE_TONES[state] ?? ""}` }, word("state", state));
}

/** A button that copies text. */
export function copyButton(text, label = t("action.copy")) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
      tell(t("told.copied"));
    } catch {
      tell(t("told.not_copied"));
    }
  };
  return h("button", { class: "button tiny", type: "button", onclick: copy }, label);
}

/** A preformatted text with a button that copies it. */
export function copyable(text, attributes = {}) {
  return h("div", { class: "copyable" }, h("pre", { tabindex: "0", ...attributes }, text), copyButton(text));
}

/** A bar of parts: `[{share, kind}]`, shares of 0 to 1. */
export function meter(label, parts, big = false) {
  let start = 0;
  const total = parts.reduce((sum, part) => sum + part.share, 0);
  const spans = parts.map(({ share, kind }) => {
    const span = h("span", { class: kind, style: { left: `${start * 100}%`, right: "auto", width: `${share * 100}%` } });
    start += share;
    return span;
  });
  const value = Math.round(total * 100);
  return h("span", { class: big ? "meter big" : "meter", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": value }, spans);
}

/** How many items of a run have ended. */
export function done(progress) {
  return progress.scored + progress.model_errors + progress.infra_errors;
}

/** A run's items as a bar: scored, errors of the model, errors of the machinery. */
export function itemMeter(progress, big = false) {
  const all = Math.max(1, progress.items);
  const parts = [
    { share: progress.scored / all, kind: "part-scored" },
    { share: progress.model_errors / all, kind: "part-model" },
    { share: progress.infra_errors / all, kind: "part-infra" },
  ];
  return meter(t("run.progress"), parts, big);
}

/** Terms and what they are. */
export function pairs(entries) {
  const shown = entries.filter(([, value]) => value !== "" && value != null && value !== false);
  return h("dl", { class: "pairs" }, shown.map(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]));
}

/** Figures in a row: `[term, figure, remark]`. */
export function facts(entries) {
  return h("dl", { class: "facts" }, entries.map(([term, figure, remark]) => h("div", {}, h("dt", {}, term), h("dd", {}, figure, remark && [" ", h("small", {}, remark)]))));
}

/** One of several, as pressed buttons: `[[value, label]]`. */
export function segments(label, options, chosen, onChoose) {
  const group = h("div", { class: "segments", role: "group", "aria-label": label });
  const draw = (now) => {
    const focused = group.contains(document.activeElement);
    fill(group, options.map(([value, text]) => h("button", { type: "button", "aria-pressed": String(value === now), onclick: () => (draw(value), onChoose(value)) }, text)));
    if (focused) group.querySelector("[aria-pressed=true]").focus();
  };
  draw(chosen);
  return group;
}

/** A labelled select: `[[value, label]]`. */
export function choice(label, options, chosen, onChoose) {
  const list = options.map(([value, text]) => h("option", { value, selected: value === chosen }, text));
  return h("label", { class: "with-label" }, h("span", {}, label), h("select", { onchange: (event) => onChoose(event.target.value) }, list));
}

/** What a run is on: its suite, or its benchmarks by name where they are few. */
export function examined(run) {
  const names = run.spec.benchmarks.map((one) => one.benchmark);
  return run.spec.suite || (names.length > 3 ? t("runs.benchmarks", { count: names.length }) : names.join(", "));
}

/** Of each benchmark of a report, its primary metric with the ends of its scale. */
export function primaries(report) {
  const scores = (report?.scores ?? []).filter((score) => score.primary && !score.metric.includes("/"));
  return new Map(scores.map(({ benchmark, metric, scale }) => [benchmark, { metric, ends: /^(-?[\d.]+)-(-?[\d.]+)$/.exec(scale)?.slice(1).map(Number) ?? [] }]));
}

/** How an item ended, as a sign and, for screen readers, as a word; `known` are the `primaries`. */
export function mark(item, known) {
  const kind = outcomeKind(item, known);
  const sign = { right: "○", wrong: "×", partial: "△", model_error: "！", infra_error: "？", pending: "…" }[kind];
  const tone = { right: "right", wrong: "wrong", partial: "", model_error: "wrong", infra_error: "broken" }[kind] ?? "";
  return h("span", { class: `verdict ${tone}`, title: word("outcome", kind) }, h("span", { "aria-hidden": "true" }, sign), h("span", { class: "hidden" }, word("outcome", kind)));
}

/** `right`, `wrong`, `partial` by the primary metric: its best value, its worst, in between or none; or the status. */
export function outcomeKind(item, known) {
  if (item.status !== "scored") return item.status;
  const { metric, ends = [] } = known.get(item.benchmark) ?? {};
  const value = item.metrics[metric] ?? null;
  if (value === null) return "partial";
  return value === ends[1] ? "right" : value === ends[0] ? "wrong" : "partial";
}

/** "12 of 40". */
export function ratio(part, whole) {
  return t("count.of", { part: count(part), whole: count(whole) });
}

/** Hands the reader a file. */
export function save(name, content, type) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const anchor = h("a", { href: address, download: name });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/** Rows of cells as CSV; a cell that a spreadsheet would take for a formula is made text. */
export function csv(rows) {
  const cell = (value) => {
    const text = value == null ? "" : String(value);
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}
