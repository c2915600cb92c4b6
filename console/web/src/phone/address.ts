/** The address of the phone page. Pure. */

export const PHONE = "/m";

/** Whether an address is this page's; the channel it names, or "". */
export function phoneChannel(pathname: string): string | null {
  if (pathname !== PHONE && !pathname.startsWith(`${PHONE}/`)) return null;
  try {
    return decodeURIComponent(pathname.slice(PHONE.length + 1));
  } catch {
    return "";
  }
}
