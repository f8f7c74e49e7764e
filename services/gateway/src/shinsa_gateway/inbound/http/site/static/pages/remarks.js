// What readers say of a sample, and the form to say it: a comment, or a report that something is wrong.

import { get, newest, send } from "../api.js";
import { fill, h } from "../dom.js";
import { time } from "../format.js";
import { t, word } from "../i18n.js";
import { tell } from "../layout.js";
import { stateChip } from "../widgets.js";

const KINDS = ["wrong_gold", "bad_judgement", "comment", "other"];

/** The remarks on an item; they come when their part of the page is opened. */
export function remarks(item) {
  const list = h("div", {});
  const turn = newest();
  const again = () => load(item, list, turn());
  const section = h("details", { class: "block remarks" }, h("summary", { class: "body" }, t("remarks.title")), h("div", { class: "body" }, list, form(item, again)));
  section.addEventListener("toggle", () => section.open && again());
  return section;
}

async function load(item, list, signal) {
  try {
    const page = await get("/v1/remarks", { item: item.id }, signal);
    signal.throwIfAborted();
    fill(list, page.remarks.length ? page.remarks.map((one) => remark(one)) : h("p", { class: "faint" }, t("remarks.none")));
  } catch (error) {
    if (!signal.aborted) fill(list, h("p", { class: "notice bad", role: "alert" }, error.message));
  }
}

/** One remark as it is read; `more` stands below it. */
export function remark(one, ...more) {
  return h(
    "article",
    { class: "comment", dataset: { remark: one.id } },
    h("header", {}, h("strong", {}, one.author), h("span", { class: "chip" }, word("remark", one.kind)), stateChip(one.state), h("span", {}, time(one.created_at))),
    h("p", {}, one.text),
    one.answer && h("p", { class: "notice info" }, h("strong", {}, `${one.moderator}: `), one.answer),
    more,
  );
}

function form(item, done) {
  const kind = h("select", { name: "kind" }, KINDS.map((name) => h("option", { value: name }, word("remark", name))));
  const text = h("textarea", { name: "text", required: true, maxlength: 4000, class: "wide" });
  const submit = async (event) => {
    event.preventDefault();
    try {
      await send("POST", `/v1/items/${encodeURIComponent(item.id)}/remarks`, { kind: kind.value, text: text.value.trim() });
      text.value = "";
      tell(t("remarks.thanks"));
      done();
    } catch (error) {
      tell(error.message);
    }
  };
  return h(
    "form",
    { class: "stack", onsubmit: submit },
    h("label", { class: "field" }, h("span", {}, t("remarks.kind")), kind),
    h("label", { class: "field" }, h("span", {}, t("remarks.text")), text, h("span", { class: "hint" }, t("remarks.hint"))),
    h("div", { class: "row" }, h("button", { class: "button" }, t("remarks.send"))),
  );
}
