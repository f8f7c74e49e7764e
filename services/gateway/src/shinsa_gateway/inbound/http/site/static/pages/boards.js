// All boards.

import { get } from "../api.js";
import { h } from "../dom.js";
import { columnName, named, t } from "../i18n.js";
import { link } from "../location.js";

export async function render({ signal }) {
  const { boards } = await get("/v1/boards", {}, signal);
  return {
    title: t("nav.boards"),
    nodes: h(
      "div",
      { class: "page" },
      h("div", { class: "heading" }, h("h1", {}, t("boards.title"))),
      h("p", { class: "lead" }, t("boards.lead")),
      boards.length ? h("div", { class: "cards" }, boards.map(card)) : h("div", { class: "empty" }, h("p", {}, t("boards.none"))),
    ),
  };
}

function card(board) {
  const parents = new Set(board.nodes.map((node) => node.parent));
  const leaves = board.nodes.filter((node) => !parents.has(node.id)).length;
  const groups = board.nodes.filter((node) => node.parent && parents.has(node.id));
  return h(
    "a",
    { class: "card", href: link(`/boards/${board.id}`) },
    h("h2", {}, named(board.titles) || board.id),
    h("p", {}, t("boards.scores", { count: leaves })),
    groups.length > 0 && h("p", { class: "small faint" }, groups.slice(0, 12).map((node) => columnName({ id: node.id, name: node.titles })).join(" · ")),
  );
}
