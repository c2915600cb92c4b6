import { useEffect, useEffectEvent, useRef, useState } from "react";

/** Takes files that are dropped on the element `ref`; `over` while some hang above it. */
export function useDrop(onFiles: (files: Iterable<File>) => void) {
  const ref = useRef<HTMLFieldSetElement>(null);
  const [over, setOver] = useState(false);
  const take = useEffectEvent(onFiles);
  useEffect(() => {
    const zone = ref.current;
    if (zone === null) return undefined;
    const hang = (event: DragEvent) => {
      event.preventDefault();
      setOver(event.type === "dragover");
    };
    const drop = (event: DragEvent) => {
      hang(event);
      take([...(event.dataTransfer?.files ?? [])]);
    };
    zone.addEventListener("dragover", hang);
    zone.addEventListener("dragleave", hang);
    zone.addEventListener("drop", drop);
    return () => {
      zone.removeEventListener("dragover", hang);
      zone.removeEventListener("dragleave", hang);
      zone.removeEventListener("drop", drop);
    };
  }, []);
  return { ref, over };
}
