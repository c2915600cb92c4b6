import { Button } from "@mantine/core";
import { useMay } from "../api/channels";
import { dataOf, http } from "../api/http";
import type { Shift } from "../api/types";
import { useLanguage, useText } from "../i18n";
import { Answer, ProblemLine } from "../ui/Page";
import page from "../ui/Page.module.css";
import { when } from "../ui/people";
import table from "../ui/Table.module.css";
import { useNow } from "../ui/useNow";
import classes from "./Duty.module.css";
import { ShiftForm } from "./ShiftForm";
import { useDutyChange, useRoster } from "./useDuty";

const MINUTE_MS = 60_000;

/** The duty roster (值班表) of the last day and the next two weeks. */
export function RosterPart({ channel }: { channel: string }) {
  const text = useText().duty;
  const roster = useRoster(channel);
  const mayEdit = useMay("duty:roster", channel);
  const { shifts } = roster.data ?? { shifts: [] };
  return (
    <section className={page.card} data-testid="roster">
      <h2>{text.roster}</h2>
      <Answer asked={roster}>
        {shifts.length === 0 ? (
          <p className={page.dim}>{text.empty}</p>
        ) : (
          <table className={table.table}>
            <thead>
              <tr>
                <th scope="col">{text.person}</th>
                <th scope="col">{text.from}</th>
                <th scope="col">{text.to}</th>
                <th scope="col">{text.broadcast}</th>
                <th scope="col">{text.note}</th>
                <th scope="col">{text.how}</th>
                {mayEdit && <th scope="col">{text.change}</th>}
              </tr>
            </thead>
            <tbody>
              {shifts.map((shift) => (
                <Row key={shift.id} channel={channel} shift={shift} mayEdit={mayEdit} />
              ))}
            </tbody>
          </table>
        )}
      </Answer>
      {mayEdit && <ShiftForm channel={channel} />}
    </section>
  );
}

function Row({ channel, shift, mayEdit }: { channel: string; shift: Shift; mayEdit: boolean }) {
  const text = useText();
  const language = useLanguage();
  const over = shift.ends_at * 1_000 < useNow(MINUTE_MS) + performance.timeOrigin;
  const name = shift.display_name === "" ? shift.user : shift.display_name;
  const removing = useDutyChange(() =>
    dataOf(http.DELETE("/api/v1/channels/{channel}/duty/shifts/{shift}", { params: { path: { channel, shift: shift.id } } })),
  );
  const ended = shift.ended_why === "" ? "" : ` · ${text.duty.ends[shift.ended_why as keyof typeof text.duty.ends]}`;
  return (
    <tr data-shift={shift.user} className={over ? classes.over : undefined}>
      <th scope="row">{name}</th>
      <td data-label={text.duty.from}>{when(shift.starts_at, language)}</td>
      <td data-label={text.duty.to}>{when(shift.ends_at, language)}</td>
      <td data-label={text.duty.broadcast}>{shift.broadcast}</td>
      <td data-label={text.duty.note}>{shift.note}</td>
      <td data-label={text.duty.how}>
        {text.duty.origins[shift.origin as keyof typeof text.duty.origins]}
        {ended}
      </td>
      {mayEdit && (
        <td className={table.act}>
          {!over && (
            <Button
              size="compact-xs"
              variant="default"
              loading={removing.isPending}
              aria-label={`${text.shared.remove} ${name}`}
              onClick={() => removing.mutate()}
            >
              {text.shared.remove}
            </Button>
          )}
          <ProblemLine error={removing.error} />
        </td>
      )}
    </tr>
  );
}
