// Box plots side by side, in one colour for each series.

import { svg } from "../dom.js";
import { canvas, clip, text, yAxis } from "./figure.js";
import { linear, padded } from "./scale.js";

const [LEFT, TOP, PLOT] = [52, 34, 280];

/** `groups`: `{label, boxes: [stats or null]}`, one box for each of `series` (names). Stats as `boxOf` gives them. */
export function boxPlot(groups, series, format) {
  const stats = groups.flatMap((group) => group.boxes).filter(Boolean);
  const reach = stats.flatMap((box) => [box.low, box.high, ...box.outliers]);
  const each = Math.max(64, Math.min(170, 26 * series.length + 44));
  const width = Math.max(560, LEFT + groups.length * each + 16);
  const step = (width - LEFT - 16) / groups.length;
  const bottom = TOP + PLOT;
  const y = linear(padded(reach, 0.05), [bottom, TOP]);
  const turned = groups.some((group) => step < wide(group.label) + 6);
  return canvas(
    width,
    bottom + (turned ? 84 : 28),
    yAxis(y, LEFT, width - 12, format),
    svg("line", { class: "axis", x1: LEFT, x2: width - 12, y1: bottom, y2: bottom }),
    groups.map((group, at) => [name(group, LEFT + step * (at + 0.5), bottom + 16, turned), group.boxes.map((box, which) => box && drawn(box, which, LEFT + step * at, step, series.length, y))]),
    series.length > 1 && legend(series),
  );
}

/** The coloured names of several series. */
export function legend(series) {
  let from = LEFT;
  return series.map((label, at) => {
    const here = from;
    from += 34 + wide(label);
    return [svg("rect", { class: `bar s${(at % 8) + 1}`, x: here, y: 7, width: 11, height: 11, rx: 2 }), text(here + 17, 17, label)];
  });
}

// About how wide a text is, in pixels.
function wide(label) {
  return [...label].reduce((sum, one) => sum + (one.charCodeAt(0) > 255 ? 11.5 : 6.2), 0);
}

function name(group, x, y, turned) {
  const rotated = turned ? { transform: `rotate(-32 ${x} ${y})`, "text-anchor": "end" } : { "text-anchor": "middle" };
  return text(x, y, clip(group.label, 22), rotated);
}

function drawn(box, which, left, step, count, y) {
  const broad = Math.min(34, (step * 0.8) / count);
  const centre = left + step / 2 + (which - (count - 1) / 2) * (broad + 4);
  const series = `s${(which % 8) + 1}`;
  const across = (value, share, className) => svg("line", { class: className, x1: centre - (broad / 2) * share, x2: centre + (broad / 2) * share, y1: y.at(value), y2: y.at(value) });
  return svg(
    "g",
    {},
    svg("title", {}, `n = ${box.n} · ${[box.low, box.q1, box.median, box.q3, box.high].map((value) => value.toFixed(3)).join(" · ")}`),
    svg("line", { class: "whisker", x1: centre, x2: centre, y1: y.at(box.high), y2: y.at(box.q3) }),
    svg("line", { class: "whisker", x1: centre, x2: centre, y1: y.at(box.q1), y2: y.at(box.low) }),
    across(box.high, 0.5, "whisker"),
    across(box.low, 0.5, "whisker"),
    svg("rect", { class: `box ${series}`, x: centre - broad / 2, width: broad, y: y.at(box.q3), height: Math.max(1, y.at(box.q1) - y.at(box.q3)) }),
    across(box.median, 1, "median"),
    svg("path", { class: "mean", d: `M${centre} ${y.at(box.mean) - 4}l4 4l-4 4l-4 -4z` }),
    box.outliers.map((value) => svg("circle", { class: `outlier ${series}`, cx: centre, cy: y.at(value), r: 2.6 })),
  );
}
