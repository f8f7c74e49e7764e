// All runs, newest first; two or more of them can be compared.

import { get, newest } from "../api.js";
import { fill, h } from "../dom.js";
import { count, duration, elapsed, time } from "../format.js";
import { t } from "../i18n.js";
import { tell } from "../layout.js";
import { go, link, setQuery } from "../location.js";
import { done, examined, itemMeter, ratio, stateChip, table } from "../widgets.js";

const LIVE = ["pending", "running"];
const PAUSE = 5000;

export async function render({ query, signal }) {
  const state = { model: query.get("model") ?? "", runs: [], cursor: "", chosen: new Set() };
  const list = h("div", {});
  const compare = h("button", { class: "button primary", disabled: true, onclick: () => go(link("/compare", { runs: [...state.chosen].join(",") })) });
  const turn = newest(signal);
  const show = () => draw(state, list, compare, () => moreAsked(state, turn(), show));
  await more(state, signal);
  show();
  refresh(state, show, signal);
  return {
    title: t("nav.runs"),
    nodes: h(
      "div",
      { class: "page" },
      h("div", { class: "heading" }, h("h1", {}, t("nav.runs"))),
      h("div", { class: "toolbar" }, search(state), h("span", { class: "push" }, compare)),
      list,
    ),
  };
}

async function more(state, signal) {
  const page = await get("/v1/runs", { model: state.model, page_size: 50, cursor: state.cursor }, signal);
  signal.throwIfAborted();
  state.runs.push(...page.runs);
  state.cursor = page.next_cursor ?? "";
}

async function moreAsked(state, signal, show) {
  try {
    await more(state, signal);
    show();
  } catch (error) {
    if (error.name !== "AbortError") tell(error.message);
  }
}

// Runs that are not over are asked for again, quietly, while the page is looked at.
async function refresh(state, show, signal) {
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (signal.aborted || document.hidden || !state.runs.some((run) => LIVE.includes(run.state))) continue;
    try {
      const { runs } = await get("/v1/runs", { model: state.model, page_size: 50 }, signal);
      const known = new Map(runs.map((run) => [run.id, run]));
      const ids = new Set(state.runs.map((run) => run.id));
      state.runs = [...runs.filter((run) => !ids.has(run.id)), ...state.runs.map((run) => known.get(run.id) ?? run)];
      show();
    } catch {
      // The next turn asks again; what is shown stays true as of then.
    }
  }
}

function search(state) {
  const field = h("input", { type: "search", name: "model", value: state.model, placeholder: t("runs.by_model"), class: "grow", "aria-label": t("runs.by_model") });
  const submit = (event) => {
    event.preventDefault();
    setQuery({ model: field.value.trim() });
    go(window.location.pathname + window.location.search);
  };
  return h("form", { class: "row grow", role: "search", onsubmit: submit }, field, h("button", { class: "button" }, t("action.search")));
}

function draw(state, list, compare, onMore) {
  const focused = document.activeElement?.dataset?.run;
  const choose = (run, on) => {
    if (on) state.chosen.add(run.id);
    else state.chosen.delete(run.id);
    label(compare, state.chosen.size);
  };
  label(compare, state.chosen.size);
  fill(
    list,
    table(columns(state, choose), state.runs, { label: t("nav.runs"), empty: t("runs.none") }),
    state.cursor && h("p", { class: "row end" }, h("button", { class: "button", onclick: onMore }, t("action.more"))),
  );
  if (focused) list.querySelector(`[data-run="${CSS.escape(focused)}"]`)?.focus();
}

function label(compare, chosen) {
  fill(compare, t("runs.compare", { count: chosen }));
  compare.disabled = chosen < 2;
}

function columns(state, choose) {
  return [
    {
      label: t("runs.choose"),
      cell: (run) =>
        h("input", {
          type: "checkbox",
          "aria-label": t("runs.choose_one", { id: run.id }),
          checked: state.chosen.has(run.id),
          dataset: { run: run.id },
          onchange: (event) => choose(run, event.target.checked),
        }),
    },
    { head: t("run.id"), cell: (run) => h("a", { href: link(`/runs/${run.id}`), class: "mono" }, run.id) },
    { head: t("run.model"), cell: (run) => h("strong", {}, run.spec.model) },
    { head: t("run.suite"), cell: (run) => examined(run) },
    { head: t("run.state"), cell: (run) => stateChip(run.state) },
    {
      head: t("run.progress"),
      cell: (run) => [itemMeter(run.progress), h("span", { class: "small faint" }, ratio(done(run.progress), run.progress.items))],
    },
    { head: t("run.errors"), number: true, cell: (run) => count(run.progress.model_errors + run.progress.infra_errors) },
    { head: t("run.created"), cell: (run) => time(run.created_at) },
    { head: t("run.took"), number: true, cell: (run) => duration(elapsed(run.started_at, run.finished_at)) },
  ];
}
