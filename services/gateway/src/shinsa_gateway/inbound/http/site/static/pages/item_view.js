// An item with its evidence: what was asked, answered, run and judged. All of it is text, whoever wrote it.

import { h } from "../dom.js";
import { number } from "../format.js";
import { t, word } from "../i18n.js";
import { link } from "../location.js";
import { copyButton, mark } from "../widgets.js";
import { remarks } from "./remarks.js";
import { stepView } from "./step_view.js";

/** `known` are the `primaries` of its run; `title` is the tag of its heading. */
export function itemView(item, known, title = "h2") {
  return h("article", { class: "item", "aria-label": `${item.benchmark} #${item.sample_id}` }, heading(item, known, title), problem(item), item.samples_forgotten_at && h("p", { class: "notice" }, t("run.forgotten")), answers(item), item.steps.map((step, at) => stepView(step, at, item.steps)), remarks(item));
}

function heading(item, known, title) {
  const metrics = Object.entries(item.metrics).map(([name, value]) => h("span", { class: "chip" }, `${name} ${number(value, Number.isInteger(value) ? 0 : 3)}`));
  return h(
    "div",
    { class: "heading" },
    mark(item, known),
    h(title, {}, `${item.benchmark} #${item.sample_id}`),
    h("span", { class: "faint" }, t("items.shots", { shots: item.shots })),
    item.repetition > 0 && h("span", { class: "faint" }, t("items.repetition", { number: item.repetition + 1 })),
    item.category && h("span", { class: "chip" }, item.category),
    metrics,
    h("div", { class: "row" }, h("a", { class: "button tiny", href: link(`/items/${item.id}`) }, t("items.permalink")), copyButton(() => JSON.stringify(item, null, 2), t("items.copy_json"))),
  );
}

function problem(item) {
  if (item.status === "scored" || item.status === "pending") return null;
  const tone = item.status === "infra_error" ? "notice" : "notice bad";
  return h("p", { class: tone }, h("strong", {}, `${word("outcome", item.status)} · ${word("reason", item.reason || "none")}`), item.detail && ` — ${item.detail}`);
}

function answers(item) {
  return h("div", { class: "answers" }, block(t("items.answer"), item.answer, t("items.no_answer")), block(t("items.gold"), item.gold, t("items.no_gold")));
}

function block(title, text, missing) {
  const body = text ? h("pre", { class: "prose tall", lang: "ja", tabindex: "0" }, text) : h("p", { class: "faint" }, missing);
  return h("section", { class: "block" }, h("header", {}, h("h3", {}, title)), h("div", { class: "body" }, body));
}
