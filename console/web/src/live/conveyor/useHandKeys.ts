/** Keys of the conveyor and the review player. The desk's own keys (cut and the others) are its affair. */
import { useEffect, useEffectEvent } from "react";
import { hasKey } from "../../api/press";
import { useConsole } from "../../api/store";
import type { ChannelStatus } from "../../api/types";
import { typesText } from "../keyboard";
import type { Deck } from "../useDeck";
import { commit } from "./commands";
import { handKeyOf, type HandKey } from "./keys";
import { beginBefore, besideMoment } from "./moments";
import { mark, reviewed } from "./ReviewPlayer";
import { preloadPlayer } from "./reviewReel";
import { act, useHand, useStrip, wallNow } from "./stores";

/** Without a pointer the player opens on what came in so long ago: about when something was seen. */
const REVIEW_BACK_S = 3;

export function useHandKeys(channel: ChannelStatus | undefined, deck: Deck, mayReview: boolean): void {
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (channel === undefined || event.ctrlKey || event.metaKey || event.altKey || typesText(event.target) || deck.asking !== null) return;
    const hand = useHand.getState();
    const pressed = handKeyOf(event, { chosen: hand.chosen !== null, picked: hand.picked !== null, open: hand.review !== null, boxing: hand.boxing });
    if (pressed === null || (presses(event) && ["condemn", "play"].includes(pressed.do))) return;
    if (event.key === "Escape" && deck.noting) return;
    event.preventDefault();
    if (event.repeat && !["nudge", "step", "boxArrow"].includes(pressed.do)) return;
    carryOut(pressed, channel, deck, mayReview);
  });
  useEffect(() => {
    if (mayReview) void preloadPlayer();
  }, [mayReview]);
  useEffect(() => {
    const key = (event: KeyboardEvent) => onKey(event);
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, []);
}

function carryOut(key: HandKey, channel: ChannelStatus, deck: Deck, mayReview: boolean): void {
  const hand = useHand.getState();
  const now = wallNow();
  const window = { now, delayS: channel.delay_s };
  switch (key.do) {
    case "mark":
      mark(key.edge, channel);
      break;
    case "condemn":
      commit.condemn(channel);
      break;
    case "redact":
      commit.redact(channel, key.how);
      break;
    case "leave":
      act({ type: "drop" });
      break;
    case "review":
      if (mayReview) act({ type: "review", at: hand.review === null ? now - REVIEW_BACK_S : null });
      break;
    case "back": {
      const { at, why } = beginBefore(useStrip.getState(), now, now - channel.delay_s);
      act({ type: "propose", from: at, to: now, why });
      break;
    }
    case "lift":
      if (hand.picked !== null && mayPress(channel, "lift")) deck.askLift(hand.picked);
      break;
    case "play":
      reviewed()?.toggle();
      break;
    case "step":
      void reviewed()?.step(key.direction);
      break;
    case "nudge":
      act({ type: "nudge", seconds: key.seconds, window });
      break;
    case "edge":
      act({ type: "edge", edge: key.edge });
      break;
    case "box":
      if (mayPress(channel, "redact")) act({ type: "boxKey" });
      break;
    case "boxArrow":
      act({ type: "boxArrow", x: key.x, y: key.y, size: key.size });
      break;
    case "moment": {
      if (hand.chosen === null) break;
      const beside = besideMoment(useStrip.getState(), hand.chosen[hand.chosen.edge], key.direction, now);
      if (beside !== null) act({ type: "put", at: beside, window });
    }
  }
}

function mayPress(channel: ChannelStatus, cmd: "lift" | "redact"): boolean {
  return hasKey(useConsole.getState().rights, channel.name, cmd);
}

/** Enter and space on a button or a link are that one's. */
function presses(event: KeyboardEvent): boolean {
  return event.target instanceof HTMLElement && event.target.closest("button, a, select, [role=button]") !== null;
}
