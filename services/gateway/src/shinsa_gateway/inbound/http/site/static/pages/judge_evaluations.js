// Reports of `shinsa judge-eval --json`: opened from a file of the reader's, shown here, sent nowhere.

import { barChart } from "../charts/bars.js";
import { figure } from "../charts/figure.js";
import { fill, h } from "../dom.js";
import { count, number, time } from "../format.js";
import { t, word } from "../i18n.js";
import { pairs, table } from "../widgets.js";

const FROM_0_TO_1 = new Set(["accuracy", "within_one", "ties", "accuracy_by_order", "position_consistency", "first_place_share", "self_agreement"]);

/** The part of the judges' page that opens reports. */
export function evaluations() {
  const place = h("div", { role: "status" });
  const input = h("input", { type: "file", name: "report", accept: ".json,application/json" });
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    const text = await file.text();
    if (file === input.files[0]) fill(place, opened(text));
  });
  return h(
    "section",
    { class: "section", id: "evaluations" },
    h("h2", {}, t("evaluation.title")),
    h("p", { class: "lead" }, t("evaluation.lead")),
    h("label", { class: "field" }, h("span", {}, t("evaluation.open")), input),
    place,
  );
}

function opened(text) {
  try {
    const report = JSON.parse(text);
    if (!Array.isArray(report.subsets)) throw new TypeError("subsets");
    return shown(report);
  } catch {
    return h("p", { class: "notice bad", role: "alert" }, t("evaluation.not_a_report"));
  }
}

function shown(report) {
  const names = [...new Set(report.subsets.flatMap((one) => Object.keys(one.figures)))];
  return [
    h("h3", { class: "section" }, t("evaluation.of", { measured: report.measured, reference: report.reference })),
    pairs([
      [t("submission.when"), time(report.created_at)],
      [t("report.dataset"), report.data],
      [t("evaluation.asked"), report.asked == null ? "" : count(report.asked)],
      [t("evaluation.repeats"), report.repeats == null ? "" : count(report.repeats)],
      [t("evaluation.unreadable"), unreadable(report.unreadable)],
      [t("report.digest"), report.judge?.profile_digests?.join(", ")],
    ]),
    h("div", { class: "section" }, table(subsetColumns(names), report.subsets, { label: t("evaluation.subsets") })),
    h("div", { class: "charts section" }, names.map((name) => drawn(name, report.subsets))),
    h("div", { class: "section" }, h("h3", {}, t("evaluation.disagreements")), table(disagreementColumns(), report.disagreements ?? [], { label: t("evaluation.disagreements") })),
  ];
}

function unreadable(counts) {
  if (counts == null) return "";
  if (typeof counts === "number") return count(counts);
  return Object.entries(counts).map(([reason, times]) => `${word("reason", reason)} ${count(times)}`).join(", ");
}

function subsetColumns(names) {
  return [
    { head: t("evaluation.subset"), cell: (one) => h("strong", {}, one.subset) },
    { head: t("evaluation.compared"), number: true, cell: (one) => `${count(one.compared)} / ${count(one.questions)}` },
    ...names.map((name) => ({ head: word("figure", name), number: true, cell: (one) => interval(one.figures[name]) })),
  ];
}

function interval(figure_) {
  if (!figure_ || figure_.value == null) return "–";
  const range = figure_.low == null ? "" : `${number(figure_.low, 2)} – ${number(figure_.high, 2)}`;
  return [h("strong", {}, number(figure_.value, 3)), range && h("div", { class: "small faint" }, range)];
}

function drawn(name, subsets) {
  const found = subsets.filter((one) => one.figures[name]?.value != null);
  if (!found.length) return null;
  const bars = found.map((one) => ({ label: one.subset, value: one.figures[name].value, half: one.figures[name].low == null ? 0 : (one.figures[name].high - one.figures[name].low) / 2 }));
  const data = [["subset", "value", "low", "high"], ...found.map((one) => [one.subset, one.figures[name].value, one.figures[name].low, one.figures[name].high])];
  return figure(word("figure", name), barChart(bars, (value) => number(value, 2), { high: FROM_0_TO_1.has(name) ? 1 : null }), data);
}

function disagreementColumns() {
  return [
    { head: t("evaluation.case"), cell: (one) => one.case },
    { head: t("evaluation.subset"), cell: (one) => one.subset },
    { head: t("evaluation.reference"), cell: (one) => String(one.reference) },
    { head: t("evaluation.measured"), cell: (one) => String(one.measured) },
    { head: t("role.judge"), cell: (one) => h("span", { lang: "ja" }, one.explanation ?? "") },
  ];
}
