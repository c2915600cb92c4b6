import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect } from "react";
import { client } from "./api/client";
import { queries } from "./api/http";
import { useSession } from "./api/session";
import { useConsole } from "./api/store";
import { useText } from "./i18n";
import { router } from "./router";
import { ONE_TIME, OneTime } from "./sign_in/OneTime";
import { SignIn } from "./sign_in/SignIn";
import { theme } from "./theme";

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

/** The screens, to those who are signed in; also while the console cannot be asked: then the screen says so. */
function Door() {
  const session = useSession();
  const needed = useConsole((state) => state.session === "needed");
  if (needed) return <SignIn />;
  if (session.isPending && session.failureCount === 0) return null;
  return <RouterProvider router={router} />;
}
