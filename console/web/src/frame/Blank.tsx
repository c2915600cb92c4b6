/** What stands in the place of a screen that is not there: not loaded yet, not loadable, unknown. */
import { Button, Loader } from "@mantine/core";
import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { useText } from "../i18n";
import classes from "./Frame.module.css";

export function Loading() {
  const text = useText();
  return (
    <output className={classes.blank}>
      <Loader size="sm" color="gray" />
      <span>{text.frame.loading}</span>
    </output>
  );
}

/** Also met when the console was updated under an open page: the old page asks for parts that are gone. */
export function Failed({ error }: ErrorComponentProps) {
  const text = useText();
  return (
    <div className={classes.blank} role="alert">
      <span>{text.frame.failed}</span>
      <small>{String(error)}</small>
      <Button onClick={() => window.location.reload()}>{text.frame.reload}</Button>
    </div>
  );
}

export function Missing() {
  const text = useText();
  return (
    <div className={classes.blank}>
      <span>{text.frame.missing}</span>
      <Link to="/">{text.frame.first}</Link>
    </div>
  );
}
