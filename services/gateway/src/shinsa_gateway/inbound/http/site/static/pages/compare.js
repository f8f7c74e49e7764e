// Two or more runs side by side: paired tests against the first, and every sample that they share.

import { get } from "../api.js";
import { h } from "../dom.js";
import { named, t } from "../i18n.js";
import { go, link, query } from "../location.js";
import { examined, stateChip } from "../widgets.js";
import { samples } from "./compare_samples.js";
import { tests } from "./compare_tests.js";

const MOST = 6;

export async function render({ signal }) {
  const ids = (query().get("runs") ?? "").split(",").filter(Boolean).slice(0, MOST);
  const runs = await Promise.all(ids.map((id) => get(`/v1/runs/${encodeURIComponent(id)}`, {}, signal)));
  const known = await get("/v1/runs", { page_size: 200 }, signal);
  const body = runs.length > 1 ? [await paired(runs, signal).catch(refused), await samples(runs, signal)] : h("div", { class: "empty" }, h("p", {}, t("compare.choose_two")));
  return {
    title: t("nav.compare"),
    nodes: h("div", { class: "page" }, h("div", { class: "heading" }, h("h1", {}, t("compare.title"))), chosen(runs, known.runs), body),
  };
}

// Runs that cannot be compared leave the page as it is: the reader takes others.
function refused(error) {
  if (!error.status) throw error;
  return h("section", { class: "section" }, h("h2", {}, t("compare.tests")), h("p", { class: "notice bad", role: "alert" }, error.message));
}

async function paired(runs, signal) {
  const [first, ...others] = runs;
  const found = await Promise.all(others.map((run) => get("/v1/compare", { a: first.id, b: run.id }, signal)));
  return tests(first, others, found.map((one) => one.comparisons));
}

function chosen(runs, known) {
  const ids = runs.map((run) => run.id);
  const change = (next) => go(link("/compare", { runs: next.join(",") }));
  const columns = runs.map((run, at) =>
    h(
      "div",
      { class: "card" },
      h("div", { class: "row" }, h("span", { class: "chip" }, at === 0 ? t("compare.baseline") : `B${runs.length > 2 ? at : ""}`), stateChip(run.state)),
      h("h2", {}, h("a", { href: link(`/runs/${run.id}`) }, run.spec.model)),
      h("p", { class: "small mono" }, run.id),
      h("p", { class: "small faint" }, [examined(run), ...settings(run)].join(" · ")),
      h(
        "div",
        { class: "row" },
        at > 0 && h("button", { class: "button tiny", onclick: () => change([run.id, ...ids.filter((id) => id !== run.id)]) }, t("compare.make_baseline")),
        h("button", { class: "button tiny", "aria-label": t("compare.remove_one", { id: run.id }), onclick: () => change(ids.filter((id) => id !== run.id)) }, t("compare.remove")),
      ),
    ),
  );
  const free = known.filter((run) => !ids.includes(run.id));
  return h("div", { class: "cards" }, columns, runs.length < MOST && adder(free, (id) => change([...ids, id])));
}

/** What was set otherwise than by default. */
function settings({ spec }) {
  return [...Object.entries(spec.overrides).map((pair) => pair.join("=")), spec.limit && `${t("report.limit")} ${spec.limit}`].filter(Boolean);
}

function adder(free, add) {
  const options = free.map((run) => h("option", { value: run.id }, `${run.spec.model} · ${examined(run)} · ${run.id}`));
  const list = h("select", { class: "wide", "aria-label": t("compare.add") }, h("option", { value: "" }, t("compare.pick")), options);
  list.addEventListener("change", () => list.value && add(list.value));
  return h("div", { class: "card" }, h("label", { class: "field" }, h("span", {}, t("compare.add")), list), !free.length && h("p", { class: "faint small" }, t("compare.no_more")));
}

/** What a run is called where several stand side by side. */
export function label(run, runs) {
  const same = runs.filter((one) => one.spec.model === run.spec.model).length > 1;
  return same ? `${named(run.spec.model)} (${run.id.slice(-6)})` : run.spec.model;
}
