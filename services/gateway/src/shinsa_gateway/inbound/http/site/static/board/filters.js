// The panel that narrows a board's rows.

import { fill, h } from "../dom.js";
import { t, word } from "../i18n.js";

/** Checkboxes by facet, all on at first. `onChange(name, values or null)`. */
export function filterPanel(facets, chosen, onChange) {
  const panel = h("div", { class: "filters", id: "filters" });
  const draw = () => fill(panel, facets.map((facet) => group(facet, chosen, change)));
  const change = (name, values) => {
    if (values) chosen[name] = values;
    else delete chosen[name];
    onChange();
  };
  draw();
  return { node: panel, draw };
}

/** What a facet is called. */
function facetName(name) {
  if (name === "v.add_special_tokens") return t("facet.special_tokens");
  return name.startsWith("v.") ? t("facet.version", { of: name.slice(2) }) : t(`facet.${name}`);
}

/** How a facet's value reads. */
function facetValue(name, value) {
  if (value === "?") return t("facet.unknown");
  if (name === "shots") return t("items.shots", { shots: value });
  if (name === "type") return word("type", value);
  return name === "source" && value === "run" ? t("board.own") : value;
}

function group(facet, chosen, change) {
  const values = facet.options.map(([value]) => value);
  const on = chosen[facet.name] ?? new Set(values);
  const toggle = (value, checked) => {
    const next = new Set(on);
    if (checked) next.add(value);
    else next.delete(value);
    on.clear();
    next.forEach((one) => on.add(one));
    change(facet.name, next.size === values.length ? null : next);
  };
  return h(
    "fieldset",
    { dataset: { facet: facet.name } },
    h("legend", {}, facetName(facet.name)),
    h(
      "div",
      { class: "options" },
      facet.options.map(([value, rows]) =>
        h("label", { class: "check" }, h("input", { type: "checkbox", name: facet.name, value, checked: on.has(value), onchange: (event) => toggle(value, event.target.checked) }), h("span", {}, facetValue(facet.name, value)), h("span", { class: "tally" }, rows)),
      ),
    ),
  );
}
