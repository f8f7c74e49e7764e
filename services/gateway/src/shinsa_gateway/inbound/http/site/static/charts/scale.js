// From data to places on a figure.

/** A straight scale with round ticks. */
export function linear([low, high], [from, to], wanted = 5) {
  const [start, end] = low === high ? [low - 1, high + 1] : [low, high];
  const at = (value) => from + ((value - start) / (end - start)) * (to - from);
  return { at, ticks: ticks(start, end, wanted) };
}

/** A logarithmic scale with ticks at 1, 2 and 5 of each power of ten. */
export function logarithmic([low, high], [from, to]) {
  const [start, end] = [Math.log10(low / 1.3), Math.log10(high * 1.3)];
  const at = (value) => from + ((Math.log10(value) - start) / (end - start)) * (to - from);
  const found = [];
  for (let power = Math.floor(start); power <= Math.ceil(end); power += 1)
    for (const digit of [1, 2, 5]) {
      const value = digit * 10 ** power;
      if (Math.log10(value) >= start && Math.log10(value) <= end) found.push(value);
    }
  return { at, ticks: found };
}

function ticks(low, high, wanted) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9; value += step) found.push(+value.toPrecision(12));
  return found;
}

/** A range with some air. */
export function padded(values, share = 0.06) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const air = (high - low || Math.abs(high) || 1) * share;
  return [low - air, high + air];
}

/** Five numbers of a sample, quartiles by linear interpolation, whiskers within 1.5 interquartile ranges. */
export function boxOf(values) {
  const list = values.filter((value) => value != null).sort((a, b) => a - b);
  if (!list.length) return null;
  const quantile = (share) => {
    const place = (list.length - 1) * share;
    const below = Math.floor(place);
    return list[below] + (list[Math.min(below + 1, list.length - 1)] - list[below]) * (place - below);
  };
  const [q1, median, q3] = [quantile(0.25), quantile(0.5), quantile(0.75)];
  const reach = 1.5 * (q3 - q1);
  const inside = list.filter((value) => value >= q1 - reach && value <= q3 + reach);
  return {
    n: list.length, mean: list.reduce((sum, value) => sum + value, 0) / list.length, q1, median, q3,
    low: inside[0], high: inside[inside.length - 1],
    outliers: list.filter((value) => value < inside[0] || value > inside[inside.length - 1]),
  };
}
