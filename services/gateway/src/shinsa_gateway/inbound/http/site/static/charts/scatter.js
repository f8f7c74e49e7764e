// Points over two numbers.

import { svg } from "../dom.js";
import { legend } from "./boxes.js";
import { clip, canvas, text, xAxis, yAxis } from "./figure.js";
import { linear, logarithmic, padded } from "./scale.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [760, 440, 58, 20, 34, 52];

/** `points`: `{x, y, label, title, series}`, series from 1; `log`: the x axis is logarithmic. */
export function scatter(points, { xLabel, yLabel, xFormat, yFormat, labels = false, log = false, series = [] }) {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const range = [LEFT, WIDTH - RIGHT];
  const x = log ? logarithmic([Math.min(...xs), Math.max(...xs)], range) : linear(padded(xs), range, 7);
  const y = linear(padded(ys, 0.08), [HEIGHT - BOTTOM, TOP]);
  return canvas(
    WIDTH,
    HEIGHT,
    yAxis(y, LEFT, WIDTH - RIGHT, yFormat),
    xAxis(x, HEIGHT - BOTTOM, xFormat, LEFT, WIDTH - RIGHT),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, xLabel, { class: "title", "text-anchor": "middle" }),
    text(14, (TOP + HEIGHT - BOTTOM) / 2, yLabel, { class: "title", "text-anchor": "middle", transform: `rotate(-90 14 ${(TOP + HEIGHT - BOTTOM) / 2})` }),
    points.map((point) => svg("circle", { class: `dot s${((point.series ?? 1) - 1) % 8 + 1}`, cx: x.at(point.x), cy: y.at(point.y), r: 5 }, svg("title", {}, point.title ?? point.label))),
    series.length > 1 && legend(series),
    labels && placed(points.map((point) => ({ ...point, px: x.at(point.x), py: y.at(point.y) }))),
  );
}

// Names beside their points, pushed down or left out where they would lie on another.
function placed(points) {
  const taken = [];
  return [...points].sort((a, b) => a.py - b.py).map((point) => {
    const name = clip(point.label, 30);
    const wide = name.length * 6.4;
    const left = point.px + 8 + wide > WIDTH;
    const box = { from: left ? point.px - 8 - wide : point.px + 8, until: left ? point.px - 8 : point.px + 8 + wide, y: point.py + 4 };
    const free = (y) => taken.every((other) => other.until < box.from || other.from > box.until || Math.abs(other.y - y) > 11);
    const y = [0, 11, -11, 22].map((shift) => box.y + shift).find(free);
    if (y === undefined) return null;
    taken.push({ ...box, y });
    return text(left ? point.px - 8 : point.px + 8, y, name, { class: "halo", "text-anchor": left ? "end" : "start" });
  });
}
