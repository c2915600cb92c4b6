/** The one table of screens: each entry is all that the rail and the router need. */
import { lazyRouteComponent, type RouteComponent } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Right } from "./api/types";
import type { Language } from "./i18n";

export interface Screen {
  /** Where the rail leads; `path` may add parameters to it. */
  home: string;
  path: string;
  /** Who lacks it does not see the screen in the rail. */
  right: Right;
  label: Record<Language, string>;
  /** 24 by 24, drawn with the colour of the text. */
  icon: ReactNode;
  /** The rail is folded away until it is asked for: the screen needs the room. */
  folds?: boolean;
  component: RouteComponent;
}

export const SCREENS: readonly [Screen, ...Screen[]] = [
  {
    home: "/live",
    path: "/live/{-$channel}",
    right: "channel:view",
    label: { en: "Live", zh: "直播" },
    icon: <path d="M4 7h10v10H4zM14 10.5l6-3v9l-6-3z" />,
    folds: true,
    component: lazyRouteComponent(() => import("./live/LiveScreen"), "LiveScreen"),
  },
];

export function screenAt(pathname: string): Screen | undefined {
  return SCREENS.find(({ home }) => pathname === home || pathname.startsWith(`${home}/`));
}
