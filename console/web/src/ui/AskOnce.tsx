import { Button } from "@mantine/core";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useText } from "../i18n";
import { ProblemLine } from "./Page";
import page from "./Page.module.css";

interface Props {
  /** Of the button that begins it; `name` says more to those who do not see where it stands. */
  label: string;
  name?: string;
  warning: string;
  /** Of the button that does it. */
  sure: string;
  pending: boolean;
  error: unknown;
  onSure: (close: () => void) => void;
  /** Choices that belong to the act. */
  children?: ReactNode;
}

/** An act that cannot be undone: asked once, in place. */
export function AskOnce(props: Props) {
  const asked = useAsked();
  return asked.isOpen ? <Question {...props} onClose={asked.close} /> : <Begin {...props} asked={asked} />;
}

export interface Asked {
  isOpen: boolean;
  /** The question was closed: the focus comes back to where it was. */
  isBack: boolean;
  open: () => void;
  close: () => void;
}

/** For where button and question stand apart, as in a table. */
export function useAsked(): Asked {
  const [state, go] = useState<"closed" | "open" | "closed again">("closed");
  return {
    isOpen: state === "open",
    isBack: state === "closed again",
    open: () => go("open"),
    close: () => go("closed again"),
  };
}

export function Begin({ label, name, asked }: { label: string; name?: string; asked: Asked }) {
  const { isBack, open } = asked;
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isBack) button.current?.focus();
  }, [isBack]);
  return (
    <Button ref={button} size="xs" variant="default" aria-label={name} onClick={open}>
      {label}
    </Button>
  );
}

/** The focus goes to Cancel, and Escape is Cancel, too. */
export function Question({ label, name, warning, sure, pending, error, onSure, children, onClose }: Props & { onClose: () => void }) {
  const text = useText();
  const cancel = useRef<HTMLButtonElement>(null);
  useEffect(() => cancel.current?.focus(), []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !pending) onClose();
  };
  return (
    <fieldset className={page.ask} aria-label={name ?? label}>
      <p className={page.warn} style={{ marginTop: 0 }}>
        {warning}
      </p>
      {children}
      <div className={page.row} style={{ marginTop: 8 }}>
        <Button size="xs" color="orange" loading={pending} onKeyDown={onKeyDown} onClick={() => onSure(onClose)}>
          {sure}
        </Button>
        <Button ref={cancel} size="xs" variant="default" onKeyDown={onKeyDown} onClick={onClose}>
          {text.shared.cancel}
        </Button>
      </div>
      <ProblemLine error={error} />
    </fieldset>
  );
}
