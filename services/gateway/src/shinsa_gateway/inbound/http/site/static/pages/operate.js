// For operators: what waits for a decision, the queue's order, and what is served.

import { get, newest, send } from "../api.js";
import { fill, h } from "../dom.js";
import { count, time } from "../format.js";
import { t, word } from "../i18n.js";
import { tell } from "../layout.js";
import { link } from "../location.js";
import { section, stateChip, table } from "../widgets.js";
import { remarksToModerate } from "./moderation.js";

export async function render({ signal }) {
  const view = { signal, queueTurn: newest(signal), remarksTurn: newest(signal), queue: h("div", {}), remarks: h("div", {}), models: h("div", {}) };
  await Promise.all([drawQueue(view), drawModels(view), remarksToModerate(view)]);
  return {
    title: t("operate.title"),
    nodes: h("div", { class: "page" }, h("div", { class: "heading" }, h("h1", {}, t("operate.title"))), h("p", { class: "lead" }, t("operate.lead")), view.queue, view.remarks, view.models),
  };
}

async function drawQueue(view) {
  const signal = view.queueTurn();
  const { submissions } = await get("/v1/submissions", { state: "pending,running", page_size: 200 }, signal);
  signal.throwIfAborted();
  const waiting = submissions.filter((one) => one.state === "pending" && !one.approved);
  const queue = submissions.filter((one) => !waiting.includes(one)).sort((a, b) => (a.position ?? 0) - (b.position ?? 0));
  fill(
    view.queue,
    section(t("operate.waiting"), table(waitingColumns(view), waiting, { label: t("operate.waiting"), empty: t("operate.none_waiting") })),
    section(t("operate.queue"), table(queueColumns(view), queue, { label: t("operate.queue"), empty: t("submissions.none") })),
  );
}

async function drawModels(view) {
  const { models } = await get("/v1/models", {}, view.signal);
  const columns = [
    { head: t("run.model"), cell: (one) => h("strong", {}, one.name) },
    { head: t("detail.engine"), cell: (one) => ["vllm", "openai", "scripted"].find((name) => one[name]) },
    { head: t("run.state"), cell: (one) => [stateChip(one.state), one.problem && h("div", { class: "small" }, one.problem)] },
    { head: t("operate.in_flight"), number: true, cell: (one) => count(one.in_flight) },
  ];
  fill(view.models, section(t("operate.models"), table(columns, models, { label: t("operate.models") })));
}

function waitingColumns(view) {
  return [
    ...described(),
    { head: t("submission.checks"), cell: (one) => one.checks.filter((check) => check.verdict !== "passed").map((check) => h("div", { class: "small" }, `${word("check", check.name)}: ${check.detail}`)) },
    { head: t("operate.decide"), cell: (one) => h("div", { class: "row" }, h("button", { class: "button tiny primary", onclick: () => decide(view, "POST", one, "approve") }, t("operate.approve")), h("button", { class: "button tiny danger", onclick: () => reject(view, one) }, t("operate.reject"))) },
  ];
}

function described() {
  return [
    { head: t("run.model"), cell: (one) => h("a", { href: link(`/submissions/${one.id}`) }, one.order.model) },
    { head: t("submission.submitter"), cell: (one) => one.submitter },
    { head: t("run.created"), cell: (one) => time(one.created_at) },
  ];
}

function queueColumns(view) {
  return [
    { head: "#", number: true, cell: (one) => one.position ?? "" },
    ...described(),
    { head: t("run.state"), cell: (one) => stateChip(one.state) },
    { head: t("submissions.votes"), number: true, cell: (one) => count(one.votes) },
    { head: t("submission.priority"), cell: (one) => (one.state === "pending" ? priority(view, one) : count(one.priority)) },
    { head: t("operate.decide"), cell: (one) => one.state === "pending" && h("button", { class: "button tiny danger", onclick: () => reject(view, one) }, t("operate.reject")) },
  ];
}

function priority(view, one) {
  const field = h("input", { type: "number", min: -1000, max: 1000, value: one.priority, name: "priority", "aria-label": t("operate.priority_of", { model: one.order.model }) });
  field.addEventListener("change", () => decide(view, "PUT", one, "priority", { priority: Number(field.value) }));
  return field;
}

function reject(view, one) {
  const reason = h("textarea", { required: true, class: "wide", name: "reason", maxlength: 2000 });
  const dialog = h("dialog", { class: "dialog small", "aria-labelledby": "reject-title" });
  const submit = async (event) => {
    event.preventDefault();
    dialog.close();
    await decide(view, "POST", one, "reject", { reason: reason.value.trim() });
  };
  dialog.addEventListener("close", () => dialog.remove());
  fill(
    dialog,
    h("h2", { id: "reject-title" }, t("operate.reject_title", { model: one.order.model })),
    h("form", { class: "stack", onsubmit: submit }, h("label", { class: "field" }, h("span", {}, t("operate.reason")), reason), h("div", { class: "row end" }, h("button", { class: "button", type: "button", onclick: () => dialog.close() }, t("action.cancel")), h("button", { class: "button danger" }, t("operate.reject")))),
  );
  document.body.append(dialog);
  dialog.showModal();
}

async function decide(view, method, one, verb, body = undefined) {
  try {
    await send(method, `/v1/submissions/${one.id}/${verb}`, body);
    tell(t("operate.done"));
  } catch (error) {
    tell(error.message);
  }
  await drawQueue(view).catch((error) => error.name === "AbortError" || tell(error.message));
}
