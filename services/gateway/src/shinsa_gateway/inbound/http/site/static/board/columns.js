// The columns of a board: their groups, which are shown, and the dialog that chooses.

import { fill, h } from "../dom.js";
import { columnName, t, word } from "../i18n.js";
import * as format from "../format.js";

/** What is known of a model, as columns: `{id, text(row), key(row), width}`. */
export const DETAILS = [
  detail("shots", (row) => row.shots, 70),
  detail("type", (row) => row.meta.type && word("type", row.meta.type), 130),
  detail("size", (row) => format.size(row.meta.size_b), 76, (row) => row.meta.size_b ?? null),
  detail("architecture", (row) => row.meta.architecture, 170),
  detail("precision", (row) => row.meta.precision, 90),
  detail("licence", (row) => row.meta.licence, 110),
  detail("revision", (row) => row.meta.revision, 110),
  detail("engine", (row) => row.meta.engine, 90),
  detail("versions", (row) => Object.entries(row.meta.versions ?? {}).map(([name, value]) => `${name} ${value}`).join(", "), 200),
  detail("source", (row) => (row.source === "run" ? t("board.own") : [row.source_name, row.source_version].filter(Boolean).join(" ")), 130),
  detail("finished", (row) => (row.finished_at ? format.time(row.finished_at) : ""), 170, (row) => row.finished_at || null),
];

function detail(id, text, width, key = (row) => text(row) || null) {
  return { id: `:${id}`, name: id, text: (row) => text(row) || "?", key, width, numeric: id === "size" };
}

/** The board's columns, category by category, with what this page needs: `starred` (enters the total), `group`, `above` (ids from the total down). */
export function prepared(columns) {
  const known = new Map(columns.map((column) => [column.id, column]));
  const counts = (column) => column.kind === "total" || ((column.weight ?? 1) > 0 && (!column.parent || counts(known.get(column.parent))));
  const above = (column) => (known.has(column.parent) ? [...above(known.get(column.parent)), column.parent] : []);
  const top = (column) => {
    let now = column;
    while (known.get(now.parent) && known.get(now.parent).kind !== "total") now = known.get(now.parent);
    return now;
  };
  const ready = columns.map((column) => ({ ...column, starred: column.kind !== "total" && Boolean(column.parent) && counts(column), group: column.kind === "total" ? column.id : top(column).id, above: above(column) }));
  return groups(ready).flatMap(([, members]) => members);
}

/** Shown when nothing is chosen: the total and its categories, or everything on a flat board. */
export function defaults(columns) {
  const broad = columns.filter((column) => column.kind === "total" || (column.kind === "category" && column.starred));
  const loose = columns.filter((column) => column.kind === "leaf" && !columns.some((one) => one.id === column.parent && one.kind === "category") && column.starred);
  return new Set([...broad, ...loose].map((column) => column.id));
}

/** Groups in the board's order: `[head column, its columns]`. */
export function groups(columns) {
  const found = new Map();
  for (const column of columns) {
    if (!found.has(column.group)) found.set(column.group, []);
    found.get(column.group).push(column);
  }
  return [...found].map(([id, members]) => [columns.find((column) => column.id === id), members]);
}

/** The dialog. `onChange(shown, details)` is called at each change. */
export function chooser(columns, shown, details, onChange) {
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "columns-title" });
  const state = { shown: new Set(shown), details: new Set(details) };
  const tell = () => onChange(new Set(state.shown), new Set(state.details));
  const all = (ids) => () => {
    state.shown = new Set(ids);
    tell();
    draw();
  };
  const draw = () =>
    fill(
      dialog,
      h("h2", { id: "columns-title" }, t("columns.title")),
      h("p", { class: "faint" }, h("span", { class: "star", "aria-hidden": "true" }, "★"), " ", t("columns.star")),
      h(
        "div",
        { class: "row" },
        h("button", { class: "button", onclick: all(columns.map((one) => one.id)) }, t("columns.all")),
        h("button", { class: "button", onclick: all([]) }, t("columns.none")),
        h("button", { class: "button", onclick: all(defaults(columns)) }, t("columns.default")),
      ),
      h("div", { class: "columns-groups" }, groups(columns).map(([head, members]) => group(head, members, state, tell, draw)), detailGroup(state, tell)),
      h("div", { class: "row end" }, h("button", { class: "button primary", onclick: () => dialog.close() }, t("action.close"))),
    );
  dialog.addEventListener("close", () => dialog.remove());
  draw();
  document.body.append(dialog);
  dialog.showModal();
}

function group(head, members, state, tell, draw) {
  const everything = members.every((one) => state.shown.has(one.id));
  const toggle = () => {
    members.forEach((one) => (everything ? state.shown.delete(one.id) : state.shown.add(one.id)));
    tell();
    draw();
  };
  const legend = h("legend", {}, columnName(head), members.length > 1 && h("button", { class: "quiet small", type: "button", onclick: toggle }, t(everything ? "columns.group_none" : "columns.group_all")));
  return h("fieldset", { dataset: { group: head.id } }, legend, members.map((one) => box(label(one, head), state.shown, one.id, tell)));
}

function label(column, head) {
  const text = column === head && column.kind !== "total" ? t("columns.category") : columnName(column);
  return [text, column.starred && column.kind === "leaf" && h("span", { class: "star", title: t("columns.star") }, " ★")];
}

function detailGroup(state, tell) {
  return h("fieldset", { dataset: { group: "details" } }, h("legend", {}, t("columns.details")), DETAILS.map((one) => box(t(`detail.${one.name}`), state.details, one.id, tell)));
}

function box(text, set, id, tell) {
  const change = (event) => {
    if (event.target.checked) set.add(id);
    else set.delete(id);
    tell();
  };
  return h("label", { class: "check" }, h("input", { type: "checkbox", name: id, checked: set.has(id), onchange: change }), h("span", {}, text));
}
