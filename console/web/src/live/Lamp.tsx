import classes from "./Lamp.module.css";

export type LampColour = "red" | "green" | "amber" | "blue" | "off";

/** A round light. Always stands beside a word that says the same. */
export function Lamp({ colour }: { colour: LampColour }) {
  return <i className={classes.lamp} data-colour={colour} aria-hidden />;
}
