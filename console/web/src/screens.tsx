/** The one table of screens: each entry is all that the rail and the router need. */
import { lazyRouteComponent, type RouteComponent } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Right } from "./api/types";
import type { Language } from "./i18n";
import { READ } from "./review/types";

export interface Screen {
  /** Where the rail leads; `path` may add parameters to it. */
  home: string;
  path: string;
  /** Who lacks it does not see the screen in the rail. */
  right: Right;
  /** A role on one channel is not enough. */
  everywhere?: boolean;
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
  {
    home: "/multiview",
    path: "/multiview/{-$channel}",
    right: "channel:view",
    label: { en: "Multiview", zh: "多画面" },
    icon: <path d="M4 5h7v6H4zM13 5h7v6h-7zM4 13h7v6H4zM13 13h7v6h-7z" />,
    folds: true,
    component: lazyRouteComponent(() => import("./multi/MultiScreen"), "MultiScreen"),
  },
  {
    home: "/review",
    path: "/review/{-$channel}",
    right: READ,
    label: { en: "Review", zh: "审核" },
    icon: <path d="M4 5h16v11H11l-4 4v-4H4zM8.5 10.5l2.3 2.3 4.7-4.6" />,
    folds: true,
    component: lazyRouteComponent(() => import("./review/ReviewScreen"), "ReviewScreen"),
  },
  {
    home: "/archive",
    path: "/archive/{-$channel}",
    right: "archive:read",
    label: { en: "Archive", zh: "存档" },
    icon: <path d="M4 4h16v4H4zM5.5 8v12h13V8M9.5 12h5" />,
    folds: true,
    component: lazyRouteComponent(() => import("./archive/ArchiveScreen"), "ArchiveScreen"),
  },
  {
    home: "/incidents",
    path: "/incidents/{-$incident}",
    right: "incident:read",
    label: { en: "Incidents", zh: "事件" },
    icon: <path d="M12 4l9 16H3zM12 10v4.5M12 17.2v.1" />,
    component: lazyRouteComponent(() => import("./incidents/IncidentsScreen"), "IncidentsScreen"),
  },
  {
    home: "/duty",
    path: "/duty/{-$channel}",
    right: "channel:view",
    label: { en: "Duty", zh: "值班" },
    icon: <path d="M12 21a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 8v5l3.2 2M4 4.5 2 6.5M20 4.5l2 2" />,
    component: lazyRouteComponent(() => import("./duty/DutyScreen"), "DutyScreen"),
  },
  {
    home: "/channels",
    path: "/channels/{-$channel}",
    right: "settings:read",
    label: { en: "Channels", zh: "频道" },
    icon: <path d="M4 7h9m4 0h3M4 12h2m4 0h10M4 17h7m4 0h5M15 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 14a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM13 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4z" />,
    component: lazyRouteComponent(() => import("./channels/ChannelsScreen"), "ChannelsScreen"),
  },
  {
    home: "/destinations",
    path: "/destinations",
    right: "settings:read",
    label: { en: "Destinations", zh: "目的地" },
    icon: <path d="M4 12h12m-4.5-4.5L16 12l-4.5 4.5M20 5v14" />,
    component: lazyRouteComponent(() => import("./destinations/DestinationsScreen"), "DestinationsScreen"),
  },
  {
    home: "/people",
    path: "/people/{-$part}",
    right: "people:read",
    label: { en: "People", zh: "人员" },
    icon: (
      <path d="M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-3.5 2.8-6 6.5-6s6.5 2.5 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.5M17.5 14.4c2.4.7 4 2.8 4 5.6" />
    ),
    component: lazyRouteComponent(() => import("./people/PeopleScreen"), "PeopleScreen"),
  },
  {
    home: "/tokens",
    path: "/tokens",
    right: "tokens:read",
    label: { en: "Tokens", zh: "令牌" },
    icon: <path d="M8 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM12.5 12H21m-3 0v3.5M8 12h.01" />,
    component: lazyRouteComponent(() => import("./tokens/TokensScreen"), "TokensScreen"),
  },
  {
    home: "/audit",
    path: "/audit",
    right: "audit:read",
    label: { en: "Audit", zh: "审计" },
    icon: <path d="M6 3h9l4 4v14H6zM14 3v5h5M9 12h7M9 15.5h4m0 1.5 1.6 1.6 3-3.2" />,
    component: lazyRouteComponent(() => import("./audit/AuditScreen"), "AuditScreen"),
  },
  {
    home: "/settings",
    path: "/settings",
    right: "settings:read",
    everywhere: true,
    label: { en: "Settings", zh: "设置" },
    icon: (
      <path d="M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM12 3v3m0 12v3M3 12h3m12 0h3M5.6 5.6l2.2 2.2m8.4 8.4 2.2 2.2m0-12.8-2.2 2.2m-8.4 8.4-2.2 2.2" />
    ),
    component: lazyRouteComponent(() => import("./settings/SettingsScreen"), "SettingsScreen"),
  },
  {
    home: "/account",
    path: "/account",
    right: "own:account",
    everywhere: true,
    label: { en: "Account", zh: "本人账号" },
    icon: <path d="M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20c0-3.5 3-6 7-6s7 2.5 7 6" />,
    component: lazyRouteComponent(() => import("./account/AccountScreen"), "AccountScreen"),
  },
];

export function screenAt(pathname: string): Screen | undefined {
  return SCREENS.find(({ home }) => pathname === home || pathname.startsWith(`${home}/`));
}
