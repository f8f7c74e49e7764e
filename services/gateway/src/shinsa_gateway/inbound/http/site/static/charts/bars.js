// Bars with intervals, one row for each model or component.

import { svg } from "../dom.js";
import { canvas, clip, text, xAxis } from "./figure.js";
import { linear } from "./scale.js";

const [WIDTH, LEFT, RIGHT, TOP, ROW] = [760, 250, 64, 12, 24];

/** `bars`: `{label, value, half?, series?}`; `half` is the half width of an interval. */
export function barChart(bars, format, { high = null } = {}) {
  const ends = bars.flatMap((bar) => [bar.value + (bar.half ?? 0), bar.value - (bar.half ?? 0)]);
  const x = linear([Math.min(0, ...ends), high ?? (Math.max(...ends, 0) * 1.04 || 1)], [LEFT, WIDTH - RIGHT], 6);
  const height = TOP + bars.length * ROW + 30;
  const zero = x.at(0);
  return canvas(
    WIDTH,
    height,
    x.ticks.map((value) => svg("line", { class: "grid", x1: x.at(value), x2: x.at(value), y1: TOP, y2: height - 28 })),
    xAxis(x, height - 28, format, LEFT, WIDTH - RIGHT),
    bars.map((bar, at) => {
      const y = TOP + at * ROW;
      const end = x.at(bar.value);
      return [
        text(LEFT - 8, y + 16, clip(bar.label, 36), { "text-anchor": "end" }),
        svg("rect", { class: `bar s${(((bar.series ?? 1) - 1) % 8) + 1}`, "fill-opacity": 0.78, x: Math.min(zero, end), y: y + 4, width: Math.abs(end - zero), height: ROW - 9, rx: 1.5 }, svg("title", {}, `${bar.label}: ${format(bar.value)}`)),
        bar.half > 0 && svg("path", { class: "whisker", d: `M${x.at(bar.value - bar.half)} ${y + 8}v7m0 -3.5H${x.at(bar.value + bar.half)}m0 -3.5v7` }),
        text(Math.max(x.at(bar.value + (bar.half ?? 0)), zero) + 6, y + 16, format(bar.value)),
      ];
    }),
  );
}
