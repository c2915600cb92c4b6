/** The desk of the channel on the screen, and what of its state a part of the screen needs. */
import { createContext, useContext, useEffect, useState } from "react";
import { useStore } from "zustand";
import { useSession } from "../api/session";
import { topStage } from "./cards";
import { ReviewDesk } from "./desk";
import type { ReviewState } from "./state";

export const DeskContext = createContext<ReviewDesk | null>(null);

export function useDesk(): ReviewDesk {
  const desk = useContext(DeskContext);
  if (desk === null) throw new Error("this part stands outside a ReviewScreen");
  return desk;
}

export function useReview<T>(select: (state: ReviewState) => T): T {
  return useStore(useDesk().store, select);
}

/** A desk as long as the part is there; for another channel there must be another part (`key`). */
export function useOpenDesk(channel: string): ReviewDesk {
  const session = useSession().data;
  // As the console names a person to others: on decisions, leases, switches.
  const name = session?.display_name || session?.user || "";
  const top = topStage(session?.roles ?? [], channel);
  const [desk] = useState(() => new ReviewDesk(channel, { name, top }));
  useEffect(() => {
    desk.start();
    return () => desk.stop();
  }, [desk]);
  useEffect(() => desk.setMe({ name, top }), [desk, name, top]);
  return desk;
}
