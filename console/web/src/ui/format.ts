/** Numbers as people read them. Fixed widths where they change while watched. */

export function bitrate(bps: number): string {
  return bps >= 999_500 ? `${(bps / 1e6).toFixed(1)} Mb/s` : `${Math.round(bps / 1e3)} kb/s`;
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}

/** 12 s, 3:05 or 1:02:03. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  const rest = `${two(minutes % 60)}:${two(whole % 60)}`;
  return minutes < 60 ? rest.replace(/^0/, "") : `${Math.floor(minutes / 60)}:${rest}`;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

/** Wall clock HH:MM:SS in the viewer's time zone. */
export function clock(milliseconds: number): string {
  return CLOCK.format(milliseconds);
}

const CODECS: Record<string, string> = { h264: "H.264", hevc: "HEVC", av1: "AV1", vp9: "VP9", aac: "AAC", opus: "Opus", mp3: "MP3" };

export function codec(name: string): string {
  return CODECS[name] ?? name;
}

export function frameRate(fps: number): string {
  return `${Math.abs(fps - Math.round(fps)) < 0.005 ? Math.round(fps) : fps.toFixed(2)} fps`;
}

/** Who acted, without the door they came through: "console:alice" is alice. */
export function person(actor: string): string {
  return actor.slice(actor.indexOf(":") + 1);
}
