// Paired tests of each run against the first, with all p-values of the table corrected together.

import { h } from "../dom.js";
import { count, number, pValue, signed } from "../format.js";
import { t } from "../i18n.js";
import { table } from "../widgets.js";
import { label } from "./compare.js";

const LEVEL = 0.05;

export function tests(first, others, comparisons) {
  const rows = others.flatMap((run, at) => comparisons[at].map((one) => ({ ...one, run })));
  correct(rows);
  const runs = [first, ...others];
  return h(
    "section",
    { class: "section" },
    h("h2", {}, t("compare.tests")),
    h("p", { class: "faint" }, t("compare.tests_how")),
    table(columns(first, runs), rows, { label: t("compare.tests"), empty: t("compare.nothing_shared") }),
  );
}

/** Adds Holm's adjusted p-value to each row that has one. */
function correct(rows) {
  const tested = rows.filter((row) => row.p_value != null).sort((a, b) => a.p_value - b.p_value);
  let highest = 0;
  tested.forEach((row, at) => {
    highest = Math.max(highest, Math.min(1, row.p_value * (tested.length - at)));
    row.adjusted = highest;
  });
}

function columns(first, runs) {
  return [
    { head: t("run.benchmark"), cell: (one) => one.benchmark },
    { head: t("run.shots"), number: true, cell: (one) => one.shots },
    { head: t("report.metric"), cell: (one) => one.metric },
    ...(runs.length > 2 ? [{ head: t("compare.run"), cell: (one) => label(one.run, runs) }] : []),
    { head: label(first, runs), number: true, cell: (one) => number(one.mean_a, 4) },
    { head: runs.length > 2 ? t("compare.other") : label(runs[1], runs), number: true, cell: (one) => number(one.mean_b, 4) },
    { head: t("compare.difference"), number: true, cell: (one) => h("strong", { class: tone(one) }, signed(one.difference, 4)) },
    { head: t("report.interval"), number: true, cell: (one) => (one.low == null ? "–" : `${signed(one.low, 3)} – ${signed(one.high, 3)}`) },
    { head: "p", number: true, cell: (one) => pValue(one.p_value) },
    { head: t("compare.adjusted"), number: true, cell: (one) => pValue(one.adjusted) },
    { head: t("compare.won"), number: true, cell: (one) => `${count(one.a_better)} : ${count(one.b_better)}` },
    { head: t("compare.shared"), number: true, cell: (one) => count(one.shared) },
  ];
}

function tone(row) {
  if (row.adjusted == null || row.adjusted >= LEVEL || !row.difference) return null;
  return row.difference > 0 ? "right" : "wrong";
}
