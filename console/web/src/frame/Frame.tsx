/**
 * What stands around every screen: the bar (brand, the screen's own part, who I am, language) and the rail of screens.
 * Nothing of it ever lies over a screen: an unfolded rail takes room beside it.
 */
import { UnstyledButton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { Outlet, useLocation } from "@tanstack/react-router";
import { createContext, type ReactNode, useContext, useState } from "react";
import { createPortal } from "react-dom";
import { DutyAlarm } from "../duty/DutyAlarm";
import { useLanguage, useText } from "../i18n";
import { screenAt } from "../screens";
import classes from "./Frame.module.css";
import { Icon } from "./Icon";
import { LanguageChoice } from "./LanguageChoice";
import { Rail } from "./Rail";
import { Who } from "./Who";

const Slot = createContext<HTMLElement | null>(null);

export function Frame() {
  const text = useText();
  const screen = screenAt(useLocation().pathname);
  const language = useLanguage();
  const wide = useMediaQuery("(min-width: 701px)", true, { getInitialValueInEffect: false });
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const { open, toggle } = useRail(screen?.home ?? "", screen?.folds !== true && wide);
  const title = screen === undefined ? "streamgate" : `${screen.label[language]} · streamgate`;
  return (
    <Slot value={slot}>
      <title>{title}</title>
      <div className={classes.frame} data-open={open}>
        <header className={classes.bar}>
          <UnstyledButton
            className={classes.menu}
            aria-expanded={open}
            aria-controls="rail"
            aria-label={open ? text.frame.fold : text.frame.unfold}
            title={open ? text.frame.fold : text.frame.unfold}
            onMouseDown={(event) => event.preventDefault()}
            onClick={toggle}
          >
            <Icon>
              <path d="M4 6h16M4 12h16M4 18h16" />
            </Icon>
          </UnstyledButton>
          <span className={classes.brand}>streamgate</span>
          <div className={classes.slot} ref={setSlot} />
          <Who />
          <LanguageChoice className={classes.language} />
        </header>
        <DutyAlarm inHeader={screen?.home === "/live"} />
        <Rail open={open} />
        <main className={classes.screen}>
          <Outlet />
        </main>
      </div>
    </Slot>
  );
}

/** Puts a screen's own part into the bar. */
export function InBar({ children }: { children: ReactNode }) {
  const slot = useContext(Slot);
  return slot === null ? null : createPortal(children, slot);
}

/** Open or folded: as the screen wants it, until the person on it wants it otherwise. */
function useRail(screen: string, wanted: boolean): { open: boolean; toggle: () => void } {
  const [chosen, choose] = useState({ screen, open: wanted });
  const open = chosen.screen === screen ? chosen.open : wanted;
  return { open, toggle: () => choose({ screen, open: !open }) };
}
