import { useDebouncedValue } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import classes from "./Timeline.module.css";
import type { Room } from "./useRoom";
import { cellsOf } from "./view";

const CELL_PX = 104;
const SETTLED_MS = 180;

/** Keyframes along the timeline, where something is recorded. */
export function Stills({ room }: { room: Room }) {
  const row = useRef<HTMLDivElement>(null);
  const [count, setCount] = useState(0);
  const [view] = useDebouncedValue(room.view, SETTLED_MS);
  useEffect(() => {
    const box = row.current;
    if (box === null) return undefined;
    const watch = new ResizeObserver(() => setCount(Math.max(1, Math.floor(box.clientWidth / CELL_PX))));
    watch.observe(box);
    return () => watch.disconnect();
  }, []);
  const cells = count === 0 ? [] : cellsOf(view, count, room.line?.recorded ?? []);
  return (
    <div ref={row} className={classes.stills} data-testid="stills" style={{ gridTemplateColumns: `repeat(${Math.max(1, count)}, 1fr)` }}>
      {cells.map((at, place) => (
        // oxlint-disable-next-line react/no-array-index-key -- a cell is its place; its picture changes
        <Cell key={place} channel={room.channel} at={at} />
      ))}
    </div>
  );
}

function Cell({ channel, at }: { channel: string; at: number | null }) {
  const [failed, setFailed] = useState<number | null>(null);
  if (at === null || failed === at) return <u />;
  const address = `/api/v1/archive/${encodeURIComponent(channel)}/still.jpg?at=${at.toFixed(1)}`;
  return <img src={address} alt="" draggable={false} decoding="async" onError={() => setFailed(at)} />;
}
