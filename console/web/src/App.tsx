import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useEffect } from "react";
import { client } from "./api/client";
import { queries } from "./api/http";
import { duty, useSession } from "./api/session";
import { useConsole } from "./api/store";
import { useText } from "./i18n";
import { phoneChannel } from "./phone/address";
import { router } from "./router";
import { Duty } from "./sign_in/Duty";
import { ONE_TIME, OneTime } from "./sign_in/OneTime";
import { SignIn } from "./sign_in/SignIn";
import { theme } from "./theme";
import { wallAddress } from "./wall/address";

const Wall = lazy(async () => ({ default: (await import("./wall/Wall")).Wall }));
const Phone = lazy(async () => ({ default: (await import("./phone/Phone")).Phone }));

export function App() {
  const { lang } = useText();
  useEffect(() => {
    document.documentElement.lang = lang;
  }, [lang]);
  useEffect(() => {
    if (window.location.pathname === ONE_TIME) return undefined;
    client.start();
    return () => client.stop();
  }, []);
  return (
    <MantineProvider theme={theme} forceColorScheme="dark">
      <QueryClientProvider client={queries}>
        {window.location.pathname === ONE_TIME ? <OneTime /> : <Door />}
      </QueryClientProvider>
    </MantineProvider>
  );
}

/** The screens in their frame; two pages stand without one: a television's and a phone's. */
function Inside(): ReactNode {
  const { pathname, search } = window.location;
  const wall = wallAddress(pathname, search);
  const phone = phoneChannel(pathname);
  const page = wall !== null ? <Wall address={wall} /> : phone !== null ? <Phone first={phone} /> : null;
  return page === null ? <RouterProvider router={router} /> : <Suspense fallback={null}>{page}</Suspense>;
}

/** The console's word that the session is over may come a moment before this browser's new cookie. */
const ASK_AFTER_MS = 250;

/** The screens, to those who may go on to them; also while the console cannot be asked: then the screen says so. */
function Door(): ReactNode {
  const { data, failureCount, refetch } = useSession();
  const asked = useConsole((state) => state.session === "needed");
  const unsure = asked && data !== undefined && data !== null && duty(data) === null;
  useEffect(() => {
    if (!unsure) return undefined;
    const timer = window.setTimeout(() => void refetch(), ASK_AFTER_MS);
    return () => window.clearTimeout(timer);
  }, [unsure, refetch]);
  if (data === null) return <SignIn />;
  if (data === undefined) return failureCount === 0 ? null : <Inside />;
  const kind = duty(data);
  return kind === null ? <Inside /> : <Duty key={kind} kind={kind} session={data} />;
}
