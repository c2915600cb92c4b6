import { useQuery } from "@tanstack/react-query";
import { may } from "../api/may";
import { useSession } from "../api/session";
import { useText } from "../i18n";
import card from "../live/Card.module.css";
import { ProblemLine } from "../ui/Page";
import { askBroadcasts } from "./api";
import { REVIEW_KEY } from "./desk";
import { fileAddress, isOpen, unreviewed } from "./files";
import classes from "./Review.module.css";
import { AUDIT } from "./types";

const SHOWN = 5;
const FRESH_MS = 30_000;

/** Files of the newest broadcasts: the report with what nobody reviewed, the review form, the export. */
export function FilesPart({ channel }: { channel: string }) {
  const words = useText().review.files;
  const mayExport = may(useSession().data, AUDIT, channel);
  const known = useQuery({
    queryKey: [...REVIEW_KEY, channel, "broadcasts"],
    queryFn: () => askBroadcasts(channel),
    staleTime: FRESH_MS,
    refetchInterval: FRESH_MS,
    retry: false,
  });
  const link = (broadcast: string, kind: Parameters<typeof fileAddress>[2], label: string) => (
    <a href={fileAddress(channel, broadcast, kind)} target="_blank" rel="noreferrer">
      {label}
    </a>
  );
  return (
    <section className={card.card} data-testid="files">
      <h2 className={card.title}>{words.title}</h2>
      <ProblemLine error={known.error} />
      {known.data?.length === 0 && <div className={card.note}>{words.none}</div>}
      {known.data?.slice(0, SHOWN).map((one) => (
        <div key={one.broadcast} className={classes.files}>
          <bdi>{one.broadcast || words.offAir}</bdi>
          <span data-warn={!isOpen(one) && unreviewed(one) > 0}>{words.unreviewed(unreviewed(one))}</span>
          {link(one.broadcast, "report", words.report)}
          {mayExport && (
            <>
              {link(one.broadcast, "form", words.form)}
              {link(one.broadcast, "pdf", "PDF")}
              {link(one.broadcast, "csv", "CSV")}
            </>
          )}
        </div>
      ))}
    </section>
  );
}
