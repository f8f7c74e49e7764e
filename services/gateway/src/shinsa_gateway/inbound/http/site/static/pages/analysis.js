// A board as a whole: statistics, box plots, correlations, size trend, principal components, groups.

import { get } from "../api.js";
import { ANALYSES } from "../analysis/analyses.js";
import { fill, h } from "../dom.js";
import { named, t } from "../i18n.js";
import { go, link, query, setQuery } from "../location.js";
import { prepared } from "../board/columns.js";
import { choice, segments } from "../widgets.js";
import { rowChooser } from "../analysis/row_chooser.js";

export async function render({ signal }) {
  const { boards } = await get("/v1/boards", {}, signal);
  const now = query();
  const id = now.get("board") || boards.find((one) => one.id === "open-ja")?.id || boards[0]?.id;
  if (!id) return { title: t("analysis.title"), nodes: h("div", { class: "page" }, h("h1", {}, t("analysis.title")), h("p", {}, t("boards.none"))) };
  const table = await get(`/v1/boards/${encodeURIComponent(id)}/table`, {}, signal);
  const view = { id, table, columns: new Map(prepared(table.columns).map((one) => [one.id, one])), signal, place: h("div", { class: "charts" }), bar: h("div", {}), rows: new Set((now.get("rows") ?? "").split(",").filter(Boolean)) };
  bar(view, boards);
  return {
    title: `${t("analysis.title")} · ${named(table.title)}`,
    nodes: h("div", { class: "page full" }, h("div", { class: "heading" }, h("h1", {}, t("analysis.title")), h("a", { href: link(`/boards/${id}`) }, named(table.title) || id)), h("p", { class: "lead" }, t("analysis.lead")), view.bar, view.place),
    ready: () => show(view),
  };
}

function bar(view, boards) {
  const now = query();
  const shots = [...new Set(view.table.rows.map((row) => row.shots).filter(Boolean))].sort();
  const change = (name) => (value) => {
    setQuery({ [name]: value });
    bar(view, boards);
    show(view);
  };
  fill(
    view.bar,
    h(
      "div",
      { class: "toolbar" },
      choice(t("analysis.board"), boards.map((one) => [one.id, named(one.titles) || one.id]), view.id, (board) => go(link("/analysis", { board }))),
      shots.length > 1 && segments(t("analysis.shots"), [["", t("analysis.all_shots")], ...shots.map((one) => [one, t("items.shots", { shots: one })])], now.get("shots") ?? "", change("shots")),
      choice(t("analysis.method"), [["", "Pearson"], ["spearman", "Spearman"]], now.get("method") ?? "", change("method")),
      h("label", { class: "check" }, h("input", { type: "checkbox", name: "standardize", checked: now.get("standardize") === "1", onchange: (event) => change("standardize")(event.target.checked ? "1" : "") }), h("span", {}, t("analysis.standardize"))),
      h("button", { class: "button", onclick: () => rowChooser(view.table.rows, view.rows, (rows) => ((view.rows = rows), change("rows")([...rows].join(",")))) }, view.rows.size ? t("analysis.rows_chosen", { count: view.rows.size }) : t("analysis.choose_rows")),
    ),
  );
}

// Each analysis comes when it is ready; one that the rows do not allow says so in its place.
function show(view) {
  view.asked = (view.asked ?? 0) + 1;
  const turn = view.asked;
  const now = query();
  const parameters = { board: view.id, rows: view.rows.size ? [...view.rows].join(",") : "all", shots: now.get("shots") ?? "" };
  const places = ANALYSES.map(() => h("div", { class: "figure broad", "aria-busy": "true" }));
  fill(view.place, places);
  ANALYSES.forEach(async (analysis, at) => {
    try {
      const found = await get(`/v1/analyses/${analysis.kind}`, { ...parameters, ...analysis.parameters(now) }, view.signal);
      if (turn === view.asked) places[at].replaceWith(...analysis.draw(found, view).flat().filter(Boolean));
    } catch (error) {
      if (view.signal.aborted || turn !== view.asked) return;
      fill(places[at], h("h2", {}, t(analysis.title)), h("p", { class: "faint" }, t("analysis.no_data", { why: error.message })));
      places[at].removeAttribute("aria-busy");
    }
  });
}
