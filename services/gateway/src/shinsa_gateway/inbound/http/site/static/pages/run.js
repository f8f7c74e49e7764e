// One run: how far it is while it goes on, what it came to, and how to ask for it again.

import { events, get, newest, send } from "../api.js";
import { fill, h } from "../dom.js";
import { count, duration, elapsed, time } from "../format.js";
import { t } from "../i18n.js";
import { tell, trouble } from "../layout.js";
import { go, link } from "../location.js";
import { benchmarkProgress, stageProgress } from "./run_progress.js";
import { configuration, generation, judgeUsage, provenance, reasons, reproduce, scores } from "./run_report.js";
import { done, examined, facts, itemMeter, stateChip } from "../widgets.js";

const OVER = ["complete", "incomplete", "cancelled", "failed", "paused"];
const WINDOW_SECONDS = 30;

export async function render({ parts: [id], signal }) {
  const run = await get(`/v1/runs/${encodeURIComponent(id)}`, {}, signal);
  const view = { run, pace: [], head: h("div", {}), headed: "", live: h("div", {}), report: h("div", {}), signal, turn: newest(signal) };
  update(view, run);
  if (OVER.includes(run.state)) await report(view);
  else follow(view);
  return { title: `${run.spec.model} · ${run.id}`, nodes: h("div", { class: "page" }, view.head, view.live, view.report) };
}

async function follow(view) {
  report(view);
  try {
    await events(`/v1/runs/${view.run.id}/events`, (name, data) => received(view, name, data), view.signal);
  } catch (error) {
    if (!view.signal.aborted) fill(view.live, trouble(error));
  }
}

function received(view, name, data) {
  if (name === "problem") {
    tell(data.detail);
    return undefined;
  }
  update(view, data);
  if (!OVER.includes(data.state)) return undefined;
  report(view);
  return "end";
}

async function report(view) {
  const signal = view.turn();
  try {
    const found = await get(`/v1/runs/${view.run.id}/report`, {}, signal);
    signal.throwIfAborted();
    fill(view.report, scores(found), reasons(found), configuration(found), generation(found), judgeUsage(found), provenance(found), reproduce(found));
  } catch (error) {
    if (!signal.aborted) fill(view.report, trouble(error, () => report(view)));
  }
}

function update(view, run) {
  view.run = run;
  view.pace = paced(view.pace, done(run.progress));
  head(view, run);
  fill(view.live, run.problem && h("p", { class: "notice bad" }, run.problem), run.samples_forgotten_at && h("p", { class: "notice" }, t("run.forgotten")), summary(run, view.pace), progress(run));
}

// Left alone while the state is the same: a button that is replaced while it is pressed is never clicked.
function head(view, run) {
  if (view.headed === run.state) return;
  view.headed = run.state;
  const focused = document.activeElement?.closest?.("[data-action]")?.dataset.action;
  fill(view.head, heading(run, view));
  if (focused) view.head.querySelector(`[data-action="${focused}"]`)?.focus();
}

function heading(run, view) {
  return h(
    "div",
    { class: "heading" },
    h("h1", {}, run.spec.model),
    h("span", { class: "faint" }, examined(run)),
    h("span", { role: "status" }, stateChip(run.state)),
    h("span", { class: "mono faint small" }, run.id),
    h("div", { class: "row" }, h("a", { class: "button primary", href: link(`/runs/${run.id}/items`) }, t("run.to_items")), actions(run, view)),
  );
}

function actions(run, view) {
  const act = (name, path, then) =>
    h("button", { class: "button", dataset: { action: name }, onclick: () => perform(`/v1/runs/${run.id}/${path}`, then) }, t(`run.${name}`));
  const again = (changed) => update(view, changed);
  if (!OVER.includes(run.state)) return act("cancel", "cancel", again);
  return [
    run.state !== "complete" && act("resume", "resume", () => go(link(`/runs/${run.id}`))),
    act("rescore", "rescore", () => report(view).then(() => tell(t("told.rescored")))),
    h("a", { class: "button", href: link("/compare", { runs: run.id }) }, t("run.to_compare")),
  ];
}

async function perform(path, then) {
  try {
    then(await send("POST", path));
  } catch (error) {
    tell(error.message);
  }
}

function summary(run, pace) {
  const { progress } = run;
  const ended = done(progress);
  const took = elapsed(run.started_at, run.finished_at);
  const over = OVER.includes(run.state);
  const rate = over ? (took ? ended / took : null) : throughput(pace);
  const left = !over && rate ? (progress.items - ended) / rate : null;
  return facts([
    [t("run.items"), count(ended), t("count.of_whole", { whole: count(progress.items) })],
    [t("run.model_errors"), count(progress.model_errors)],
    [t("run.infra_errors"), count(progress.infra_errors)],
    [t("run.throughput"), rate ? t("run.per_second", { rate: rate < 10 ? rate.toFixed(1) : Math.round(rate) }) : "–"],
    over ? [t("run.took"), duration(took)] : [t("run.left"), left === null ? t("run.left_unknown") : duration(left)],
    [t("run.created"), h("span", { class: "small" }, time(run.created_at))],
  ]);
}

function progress(run) {
  const legend = [["scored", "--c3"], ["model_errors", "--c5"], ["infra_errors", "--c2"]];
  return h(
    "section",
    { class: "section", "aria-label": t("run.progress") },
    itemMeter(run.progress, true),
    h("div", { class: "legend" }, legend.map(([name, colour]) => h("span", {}, h("i", { style: { background: `var(${colour})` } }), `${t(`run.${name}`)} ${count(run.progress[name])}`))),
    h("div", { class: "two" }, benchmarkProgress(run), stageProgress(run)),
  );
}

/** The last half minute of `[second, items done]`. */
function paced(pace, ended) {
  const now = performance.now() / 1000;
  return [...pace.filter(([second]) => now - second < WINDOW_SECONDS), [now, ended]];
}

function throughput(pace) {
  const [[from, before], [until, after]] = [pace[0], pace[pace.length - 1]];
  return until - from < 1 || after <= before ? null : (after - before) / (until - from);
}
