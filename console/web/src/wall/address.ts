/** What an address with `?wall` asks for. Pure. */

export interface WallAddress {
  channel: string;
  all: boolean;
}

/** null: no wall. */
export function wallAddress(pathname: string, search: string): WallAddress | null {
  const wall = new URLSearchParams(search).get("wall");
  if (wall === null) return null;
  const [, , channel = ""] = pathname.split("/");
  try {
    return { channel: decodeURIComponent(channel), all: wall === "all" };
  } catch {
    return { channel: "", all: wall === "all" };
  }
}
