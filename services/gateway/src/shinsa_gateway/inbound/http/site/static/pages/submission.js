// One submission: where it stands, what was checked, what happened to it.

import { get, newest, send } from "../api.js";
import { fill, h } from "../dom.js";
import { count, duration, size, time } from "../format.js";
import { t, word } from "../i18n.js";
import { tell } from "../layout.js";
import { link } from "../location.js";
import { facts, pairs, section, stateChip, table } from "../widgets.js";
import { checkList } from "./submission_checks.js";

const OPEN = ["pending", "running"];
const PAUSE = 4000;

export async function render({ parts: [id], signal }) {
  const path = `/v1/submissions/${encodeURIComponent(id)}`;
  const place = h("div", { class: "page" });
  const view = { path, place, signal, turn: newest(signal), refreshing: false, log: await get(`${path}/log`, {}, signal) };
  draw(view);
  refresh(view);
  return { title: view.log.submission.order.model, nodes: place };
}

async function refresh(view) {
  if (view.refreshing) return;
  view.refreshing = true;
  while (!view.signal.aborted && OPEN.includes(view.log.submission.state)) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (view.signal.aborted || document.hidden) continue;
    try {
      const before = JSON.stringify(view.log);
      await load(view);
      if (JSON.stringify(view.log) !== before) draw(view);
    } catch {
      // What is shown stays true as of then; the next turn asks again.
    }
  }
  view.refreshing = false;
}

async function load(view) {
  const signal = view.turn();
  const log = await get(`${view.path}/log`, {}, signal);
  signal.throwIfAborted();
  view.log = log;
}

function draw(view) {
  const { submission, events } = view.log;
  const focused = document.activeElement?.dataset?.action;
  fill(
    view.place,
    h("div", { class: "heading" }, h("h1", {}, submission.order.model), h("span", { role: "status" }, stateChip(submission.state)), h("span", { class: "mono faint small" }, submission.id), h("div", { class: "row" }, actions(view, submission))),
    trouble(view.log),
    standing(submission),
    section(t("submission.order"), details(submission)),
    section(t("submission.checks"), checkList(submission.checks)),
    section(t("submission.history"), table(historyColumns(), events, { label: t("submission.history") })),
  );
  if (focused) view.place.querySelector(`[data-action="${focused}"]`)?.focus();
}

function trouble({ submission, report, failed_items: failed }) {
  if (!submission.failure) return null;
  const run = submission.run_id;
  return h(
    "div",
    { class: "notice bad" },
    h("strong", {}, `${word("reason", submission.failure.code)}: `),
    submission.failure.message,
    run && report && [" ", h("a", { href: link(`/runs/${run}`) }, t("submission.to_run"))],
    run && failed && [" · ", h("a", { href: link(`/runs/${run}/items`, { status: "infra_error" }) }, t("submission.to_failed"))],
  );
}

function standing(one) {
  return facts([
    [t("submissions.place"), one.position == null ? "–" : t("submissions.position", { number: one.position })],
    [t("submission.expected"), duration(one.expected_wait_seconds)],
    [t("submissions.votes"), count(one.votes)],
    [t("submission.priority"), count(one.priority)],
    [t("submission.attempts"), count(one.attempts)],
  ]);
}

function details(one) {
  return pairs([
    [t("run.suite"), one.order.suite],
    [t("detail.type"), word("type", one.order.model_type)],
    [t("detail.revision"), one.commit ? h("code", {}, one.commit) : one.order.revision],
    [t("detail.precision"), one.precision || one.order.precision],
    [t("submit.special_tokens"), one.order.add_special_tokens == null ? "" : t(one.order.add_special_tokens ? "submit.special_added" : "submit.special_not_added")],
    [t("detail.architecture"), one.architecture],
    [t("detail.licence"), one.licence],
    [t("detail.size"), one.size_b ? size(one.size_b) : ""],
    [t("submission.submitter"), one.submitter],
    [t("report.note"), one.order.note],
    [t("run.id"), one.run_id && h("a", { href: link(`/runs/${one.run_id}`), class: "mono" }, one.run_id)],
    [t("run.created"), time(one.created_at)],
  ]);
}

function historyColumns() {
  return [
    { head: t("submission.when"), cell: (one) => time(one.at) },
    { head: t("submission.who"), cell: (one) => one.actor },
    { head: t("submission.what"), cell: (one) => word("action", one.action) },
    { head: t("execution.detail"), cell: (one) => one.detail },
  ];
}

function actions(view, one) {
  const act = (name, method, path) =>
    h("button", { class: "button", dataset: { action: name }, onclick: () => perform(view, method, path) }, t(`submission.${name}`));
  return [
    one.run_id && h("a", { class: "button primary", href: link(`/runs/${one.run_id}`) }, t("submission.to_run")),
    one.state === "pending" && act("vote", "PUT", "/vote"),
    one.state === "pending" && act("withdraw", "POST", "/withdraw"),
    one.state === "failed" && act("resubmit", "POST", "/resubmit"),
  ];
}

async function perform(view, method, path) {
  try {
    await send(method, view.path + path);
    await load(view);
    draw(view);
    refresh(view);
  } catch (error) {
    if (error.name !== "AbortError") tell(error.message);
  }
}
