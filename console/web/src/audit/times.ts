/** Times of records, to the millisecond, in the viewer's time zone. Pure. */

const two = (n: number) => String(n).padStart(2, "0");

export function dateOf(at: number): string {
  const date = new Date(at * 1_000);
  return Number.isNaN(date.getTime()) ? String(at) : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export function timeOf(at: number): string {
  const date = new Date(Math.round(at * 1_000));
  if (Number.isNaN(date.getTime())) return "";
  const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

export function secondOf(at: number): string {
  return `${dateOf(at)} ${timeOf(at).slice(0, 8)}`;
}
