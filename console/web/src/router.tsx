import { createRootRoute, createRoute, createRouter, redirect } from "@tanstack/react-router";
import { Failed, Loading, Missing } from "./frame/Blank";
import { Frame } from "./frame/Frame";
import { SCREENS } from "./screens";

const root = createRootRoute({ component: Frame, notFoundComponent: Missing });
const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: ({ location }) => {
    // "/#main" is an address of the time before there were screens: channel main on Live.
    throw redirect({ to: location.hash === "" ? SCREENS[0].home : `/live/${encodeURIComponent(location.hash)}`, replace: true });
  },
});
const screens = SCREENS.map(({ path, component }) => createRoute({ getParentRoute: () => root, path, component }));

export const router = createRouter({
  routeTree: root.addChildren([home, ...screens]),
  defaultPreload: "intent",
  defaultPendingComponent: Loading,
  defaultErrorComponent: Failed,
});
