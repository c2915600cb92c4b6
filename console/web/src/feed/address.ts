/** Addresses of a channel on the public port. Pure. */

/** The channel that a page's address names, as in /watch/main; "" when it names none. */
export function channelOf(pathname: string): string {
  try {
    return decodeURIComponent(pathname.split("/")[2] ?? "");
  } catch {
    return ""; // a lone % is no address of ours
  }
}

/** Where the public interface of a channel is: `published`, `comments` or `viewer`. */
export function apiPath(channel: string, what: "published" | "comments" | "viewer"): string {
  return `/api/v1/channels/${encodeURIComponent(channel)}/${what}`;
}

/** The playlist of a channel's program. */
export function playlistPath(channel: string): string {
  return `/hls/${encodeURIComponent(channel)}/index.m3u8`;
}
