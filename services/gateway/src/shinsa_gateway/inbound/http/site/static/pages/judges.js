// Who judges: profiles, rubrics, roles; and reports of how well a judge does.

import { get } from "../api.js";
import { h } from "../dom.js";
import { number, short } from "../format.js";
import { t } from "../i18n.js";
import { section, table } from "../widgets.js";
import { evaluations } from "./judge_evaluations.js";

export async function render({ signal }) {
  const catalog = await get("/v1/judges", {}, signal);
  return {
    title: t("nav.judges"),
    nodes: h(
      "div",
      { class: "page" },
      h("div", { class: "heading" }, h("h1", {}, t("nav.judges"))),
      h("p", { class: "lead" }, t("judges.lead")),
      section(t("judges.profiles"), table(profileColumns(catalog.roles), catalog.profiles, { label: t("judges.profiles") })),
      section(t("judges.rubrics"), table(rubricColumns(), catalog.rubrics, { label: t("judges.rubrics") })),
      evaluations(),
    ),
  };
}

function profileColumns(roles) {
  return [
    { head: t("judges.profile"), cell: (one) => h("strong", {}, one.name) },
    { head: t("judges.kind"), cell: (one) => one.kind },
    { head: t("judges.model"), cell: (one) => one.members.length ? one.members.join(", ") : one.model },
    { head: t("judges.roles"), cell: (one) => roles.filter((role) => role.profile === one.name).map((role) => h("span", { class: "chip" }, role.role)) },
    { head: t("judges.available"), cell: (one) => (one.available ? h("span", { class: "chip good" }, t("judges.yes")) : [h("span", { class: "chip warn" }, t("judges.no")), " ", h("span", { class: "small" }, one.problem)]) },
    { head: t("report.digest"), cell: (one) => h("code", { title: one.digest }, short(one.digest)) },
  ];
}

function rubricColumns() {
  return [
    { head: t("judges.rubric"), cell: (one) => h("strong", {}, one.id) },
    { head: t("judges.description"), cell: (one) => one.description },
    { head: t("report.scale"), number: true, cell: (one) => `${number(one.lowest, 0)} – ${number(one.highest, 0)}` },
    { head: t("judges.fields"), cell: (one) => [...one.fields, ...one.optional_fields.map((name) => `(${name})`)].join(", ") },
    { head: t("judges.findings"), cell: (one) => one.findings.join(", ") },
    { head: t("report.digest"), cell: (one) => h("code", { title: one.digest }, short(one.digest)) },
  ];
}
