/** Addresses of destinations. Pure. */

/** Whether an address is the channel's own HLS files, and no platform's. */
export function isHls(url: string): boolean {
  return url.trim() === "hls:";
}
