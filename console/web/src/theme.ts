import { createTheme } from "@mantine/core";

export const theme = createTheme({
  fontFamily: "var(--sans)",
  fontFamilyMonospace: "var(--mono)",
  primaryColor: "blue",
  respectReducedMotion: true,
});
