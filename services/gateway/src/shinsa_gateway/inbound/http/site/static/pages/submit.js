// The form: what to examine. Checks can be made before anything is submitted.

import { Refusal, get, send } from "../api.js";
import { fill, h } from "../dom.js";
import { t, word } from "../i18n.js";
import { go, link } from "../location.js";
import { checkList } from "./submission_checks.js";

const TYPES = ["pretrained", "fine-tuned", "instruction-tuned", "rl-tuned", "multimodal", "merged", "proprietary"];
const PRECISIONS = ["auto", "float16", "bfloat16", "float32"];

export async function render({ query, signal }) {
  const [{ suites }, { models }] = await Promise.all([get("/v1/suites", {}, signal), get("/v1/models", {}, signal)]);
  const form = h("form", { class: "stack", novalidate: true });
  const result = h("div", { role: "status" });
  const view = { form, result, models, suites, source: query.get("source") === "registered" ? "registered" : "hub", wanted: query };
  form.addEventListener("submit", (event) => submitted(view, event));
  draw(view);
  return {
    title: t("submit.title"),
    nodes: h(
      "div",
      { class: "page narrow" },
      h("div", { class: "heading" }, h("h1", {}, t("submit.title"))),
      h("p", { class: "lead" }, t("submit.lead"), " ", h("a", { href: link("/about") }, t("submit.guide"))),
      form,
      result,
    ),
  };
}

function draw(view) {
  const hub = view.source === "hub";
  const any = (name) => view.wanted.get(name) ?? "";
  const model = hub
    ? h("input", { name: "model", required: true, value: any("model"), autocomplete: "off", placeholder: "llm-jp/llm-jp-3-1.8b-instruct", class: "wide" })
    : options("model", [["", t("submit.choose")], ...view.models.map((one) => [one.name, one.name])], any("model"));
  fill(
    view.form,
    sources(view),
    field("model", t("run.model"), model, t(hub ? "submit.model_hint" : "submit.registered_hint")),
    field("model_type", t("detail.type"), options("model_type", [["", t("submit.choose")], ...TYPES.map((one) => [one, word("type", one)])], any("type"))),
    hub && field("revision", t("detail.revision"), h("input", { name: "revision", class: "wide", placeholder: "main", value: any("revision") }), t("submit.revision_hint")),
    hub && field("precision", t("detail.precision"), options("precision", PRECISIONS.map((one) => [one, one]), "auto"), t("submit.precision_hint")),
    hub && field("add_special_tokens", t("submit.special_tokens"), options("add_special_tokens", [["true", t("submit.special_added")], ["false", t("submit.special_not_added")]], "true"), t("submit.special_hint")),
    field("suite", t("run.suite"), options("suite", [["", t("submit.default_suite")], ...view.suites.map((one) => [one.id, one.title || one.id])], any("suite"))),
    field("note", t("report.note"), h("textarea", { name: "note", maxlength: 4000, class: "wide" })),
    h("div", { class: "row" }, h("button", { class: "button primary", type: "submit", name: "act", value: "submit" }, t("submit.submit")), h("button", { class: "button", type: "submit", name: "act", value: "check" }, t("submit.check"))),
  );
}

function sources(view) {
  const radio = (name) => h("label", { class: "check" }, h("input", { type: "radio", name: "source", value: name, checked: view.source === name, onchange: () => ((view.source = name), draw(view), view.form.elements.source.value && view.form.querySelector(`[value=${name}]`).focus()) }), h("span", {}, t(`submit.source_${name}`)));
  return h("fieldset", { class: "choices" }, h("legend", {}, t("submit.source")), h("div", { class: "row" }, radio("hub"), radio("registered")));
}

function options(name, list, chosen) {
  return h("select", { name, class: "wide" }, list.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
}

function field(name, label, input, hint = "") {
  const ids = { hint: `${name}-hint`, wrong: `${name}-wrong` };
  input.setAttribute("aria-describedby", `${ids.hint} ${ids.wrong}`);
  return h("label", { class: "field", dataset: { field: name } }, h("span", {}, label), input, h("span", { class: "hint", id: ids.hint }, hint), h("span", { class: "wrong", id: ids.wrong }));
}

function order(view) {
  const data = new FormData(view.form);
  const wanted = { source: view.source };
  for (const name of ["model", "model_type", "revision", "precision", "suite", "note"]) if (data.get(name)) wanted[name] = data.get(name).trim();
  if (data.get("add_special_tokens")) wanted.add_special_tokens = data.get("add_special_tokens") === "true";
  return wanted;
}

async function submitted(view, event) {
  event.preventDefault();
  clear(view);
  const wanted = order(view);
  if (!missing(view, wanted)) return;
  const checking = event.submitter?.value === "check";
  const buttons = view.form.querySelectorAll("button");
  buttons.forEach((button) => (button.disabled = true));
  fill(view.result, h("p", { class: "notice info" }, t("submit.checking")));
  try {
    if (checking) checked(view, await send("POST", "/v1/submissions/check", wanted));
    else go(link(`/submissions/${(await send("POST", "/v1/submissions", wanted)).id}`));
  } catch (error) {
    refused(view, error);
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}

function missing(view, wanted) {
  const lacking = ["model", "model_type"].filter((name) => !wanted[name]);
  lacking.forEach((name) => wrong(view, name, t("submit.required")));
  view.form.elements[lacking[0]]?.focus();
  return !lacking.length;
}

function checked(view, report) {
  fill(view.result, h("p", { class: report.acceptable ? "notice good" : "notice bad" }, t(report.acceptable ? "submit.acceptable" : "submit.not_acceptable")), checkList(report.checks));
}

function refused(view, error) {
  const problem = error instanceof Refusal ? error.problem : { title: t("error.title"), detail: error.message };
  const known = [...(problem.errors ?? []).map((one) => [one.field, one.detail]), [problem.field, problem.detail]];
  for (const [name, detail] of known) if (name) wrong(view, name.split(".").pop(), detail);
  fill(view.result, h("div", { class: "notice bad", role: "alert" }, h("strong", {}, `${problem.title}: `), problem.detail, problem.near_matches?.length > 0 && h("div", {}, t("error.near", { names: problem.near_matches.join(", ") }))));
}

function wrong(view, name, text) {
  const place = view.form.querySelector(`[data-field="${CSS.escape(name)}"]`);
  if (!place) return;
  fill(place.querySelector(".wrong"), text);
  view.form.elements[name]?.setAttribute("aria-invalid", "true");
}

function clear(view) {
  view.form.querySelectorAll(".wrong").forEach((place) => fill(place));
  view.form.querySelectorAll("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));
}
