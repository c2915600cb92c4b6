import { MantineProvider } from "@mantine/core";
import { useEffect } from "react";
import { client } from "./api/client";
import { useConsole } from "./api/store";
import { useText } from "./i18n";
import { LiveScreen } from "./live/LiveScreen";
import { SignIn } from "./live/SignIn";
import { theme } from "./theme";

export function App() {
  const session = useConsole((state) => state.session);
  const { lang } = useText();
  useEffect(() => {
    document.documentElement.lang = lang;
  }, [lang]);
  useEffect(() => {
    const token = takeToken();
    if (token === null) client.start();
    else void client.signIn(token).finally(() => client.start());
    return () => client.stop();
  }, []);
  return (
    <MantineProvider theme={theme} forceColorScheme="dark">
      {session === "needed" ? <SignIn /> : <LiveScreen />}
    </MantineProvider>
  );
}

/** The token of an address opened through the development server; the console itself takes it before we are loaded. */
function takeToken(): string | null {
  const address = new URL(window.location.href);
  const token = address.searchParams.get("token");
  if (token !== null) {
    address.searchParams.delete("token");
    window.history.replaceState(null, "", address);
  }
  return token;
}
