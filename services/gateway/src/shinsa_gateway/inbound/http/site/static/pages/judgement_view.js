// What a judge was asked, what it found and why; members of a panel one by one.

import { h } from "../dom.js";
import { cost, number } from "../format.js";
import { t } from "../i18n.js";
import { pairs } from "../widgets.js";
import { fingerprint, folded, pretty, turn, written } from "./step_view.js";

export function judgementBody(step) {
  return [folded(t("judge.case"), false, pairs(Object.entries(step.request.fields).map(([name, value]) => [name, written(value)]))), step.result && verdict(step.result)];
}

function verdict(found) {
  return [
    found.readable
      ? pairs([
          [t("judge.value"), found.value == null ? "" : number(found.value, 2)],
          [t("judge.label"), found.label],
          ...found.findings.map((one) => [one.name, String(one.value)]),
        ])
      : h("p", { class: "notice" }, `${t("judge.unreadable")}: ${found.unreadable_reason}`),
    found.explanation && turn("judge", written(found.explanation)),
    found.spread && h("p", { class: "faint" }, t("judge.spread", { lowest: number(found.spread.lowest, 2), highest: number(found.spread.highest, 2), deviation: number(found.spread.deviation, 2) })),
    found.members.length > 0 && folded(t("judge.members", { count: found.members.length }), true, h("div", { class: "stack" }, found.members.map(member))),
    found.rendered_json && folded(t("judge.as_sent"), false, messages(found.rendered_json)),
    found.raw_reply && folded(t("judge.raw"), false, h("pre", { class: "tall", tabindex: "0" }, found.raw_reply)),
    h("p", { class: "faint small" }, [found.judge.profile, fingerprint(found.judge.fingerprint), found.cost && cost(found.cost)].filter(Boolean).join(" · ")),
  ];
}

function member(one) {
  const name = [one.verdict.judge.profile, one.swapped && t("judge.swapped"), one.repeat > 0 && `#${one.repeat + 1}`].filter(Boolean).join(" · ");
  return h("section", { class: "block" }, h("header", {}, h("h3", {}, name)), h("div", { class: "body" }, verdict(one.verdict)));
}

function messages(rendered) {
  try {
    return h("div", { class: "stack" }, JSON.parse(rendered).map((one) => turn(one.role, written(String(one.content)))));
  } catch {
    return h("pre", { class: "tall", tabindex: "0" }, pretty(rendered));
  }
}
