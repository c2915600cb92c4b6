/** Secrets that are shown this once, and lines to copy. */
import { Button } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import classes from "./Once.module.css";
import { CopyButton } from "./Page";
import page from "./Page.module.css";

/** A value under its label, with a button that copies it. */
export function CopyLine({ label, value }: { label: string; value: string }) {
  return (
    <div className={classes.line}>
      <span>{label}</span>
      <span className={page.mono} data-testid={`address-${label}`}>
        {value}
      </span>
      <CopyButton value={value} label={label} />
    </div>
  );
}

interface Props {
  /** Says that it is shown once. Focus comes here, so that it is read out and in sight. */
  title: string;
  /** Closes it for good. */
  close: string;
  onClose: () => void;
  testid: string;
  children: ReactNode;
}

export function Once({ title, close, onClose, testid, children }: Props) {
  const heading = useRef<HTMLParagraphElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <div className={classes.once} data-testid={testid}>
      <div>
        <p ref={heading} tabIndex={-1} className={page.warn} style={{ marginTop: 0 }}>
          {title}
        </p>
        {children}
        <Button size="xs" variant="default" mt={8} onClick={onClose}>
          {close}
        </Button>
      </div>
    </div>
  );
}
