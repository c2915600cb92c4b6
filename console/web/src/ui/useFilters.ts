import { useLocation, useNavigate, useSearch } from "@tanstack/react-router";

/**
 * The filters of a screen, kept in its address: a link to it shows the same, and so does the page loaded anew.
 * What is set to "" leaves the address.
 */
export function useFilters<Name extends string>(
  names: readonly Name[],
): [Record<Name, string>, (change: Partial<Record<Name, string>>) => void] {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const { pathname } = useLocation();
  const go = useNavigate();
  const set = Object.fromEntries(names.map((name) => [name, String(search[name] ?? "")])) as Record<Name, string>;
  const change = (changed: Partial<Record<Name, string>>) => {
    const kept = Object.entries({ ...set, ...changed }).filter(([, value]) => value !== "");
    void go({ to: pathname, search: Object.fromEntries(kept), replace: true });
  };
  return [set, change];
}
