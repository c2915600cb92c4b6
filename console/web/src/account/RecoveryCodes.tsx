import { Button } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useLanguage, useText } from "../i18n";
import { CopyButton } from "../ui/Page";
import page from "../ui/Page.module.css";
import { when } from "../ui/people";
import classes from "./Account.module.css";

interface Props {
  user: string;
  codes: string[];
  /** What was done before they came. */
  said?: string;
  children: ReactNode;
}

/** Recovery codes, shown this once: to copy, to print, to keep as a file. */
export function RecoveryCodes({ user, codes, said, children }: Props) {
  const text = useText();
  const words = text.account;
  const language = useLanguage();
  const [made] = useState(() => Date.now() / 1_000);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const head = words.fileHead(user, window.location.host, when(made, language));
  const whole = `${head}\n\n${codes.join("\n")}\n`;
  return (
    <section className={classes.codes} data-print data-testid="recovery-codes">
      {said !== undefined && <output>{said}</output>}
      <h2 ref={heading} tabIndex={-1}>
        {words.codesTitle}
      </h2>
      <p className={page.warn}>{words.codesOnce}</p>
      <pre className={classes.printHead}>{head}</pre>
      <ol>
        {codes.map((code) => (
          <li key={code} className={page.mono}>
            {code}
          </li>
        ))}
      </ol>
      <div className={`${page.row} ${classes.noPrint}`}>
        <CopyButton value={whole} label={words.codesTitle} />
        <Button size="xs" variant="default" onClick={() => download(`streamgate-${user}-recovery-codes.txt`, whole)}>
          {words.download}
        </Button>
        <Button size="xs" variant="default" onClick={() => window.print()}>
          {words.print}
        </Button>
      </div>
      <div className={classes.noPrint}>{children}</div>
    </section>
  );
}

function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name.replace(/[^\p{L}\p{N}._-]+/gu, "_");
  link.click();
  URL.revokeObjectURL(address);
}
