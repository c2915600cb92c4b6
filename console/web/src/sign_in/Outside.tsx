import type { ReactNode } from "react";
import { LanguageChoice } from "../frame/LanguageChoice";
import classes from "./SignIn.module.css";

/** What stands around everything outside the screens: the brand, the language, one card. */
export function Outside({ title, wide = false, children }: { title: string; wide?: boolean; children: ReactNode }) {
  return (
    <div className={classes.outside}>
      <title>{`${title} · streamgate`}</title>
      <header className={classes.top}>
        <span className={classes.brand}>streamgate</span>
        <LanguageChoice />
      </header>
      <main className={classes.card} data-wide={wide}>
        <h1>{title}</h1>
        {children}
      </main>
    </div>
  );
}
