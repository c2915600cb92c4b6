import { useChange } from "../api/channels";
import { dataOf, http } from "../api/http";
import { TOKENS } from "../api/people";
import type { Token } from "../api/types";
import { useLanguage, useText } from "../i18n";
import { Begin, Question, useAsked } from "../ui/AskOnce";
import page from "../ui/Page.module.css";
import { byWhom, when } from "../ui/people";
import table from "../ui/Table.module.css";
import { inOrder, tokenStanding } from "./tokens";

/** A longer table is slow and nobody reads it. */
const MOST = 100;

interface Props {
  tokens: Token[];
  nowS: number;
  mayRevoke: boolean;
}

export function TokensTable({ tokens, nowS, mayRevoke }: Props) {
  const words = useText().tokens;
  return (
    <>
      <table className={table.table}>
        <thead>
          <tr>
            <th scope="col">{words.columns.name}</th>
            <th scope="col">{words.columns.may}</th>
            <th scope="col">{words.columns.channel}</th>
            <th scope="col">{words.columns.expires}</th>
            <th scope="col">{words.columns.used}</th>
            <th scope="col">{words.columns.made}</th>
            {mayRevoke && <th scope="col" aria-label={words.revoke} />}
          </tr>
        </thead>
        <tbody>
          {tokens.slice(0, MOST).map((token) => (
            <Row key={`${token.name} ${token.created_at}`} token={token} nowS={nowS} mayRevoke={mayRevoke} />
          ))}
        </tbody>
      </table>
      {tokens.length > MOST && <p className={page.dim}>{words.more(tokens.length - MOST)}</p>}
    </>
  );
}

function Row({ token, nowS, mayRevoke }: { token: Token; nowS: number; mayRevoke: boolean }) {
  const text = useText();
  const words = text.tokens;
  const language = useLanguage();
  const { name, scopes, channel, created_by, created_at, expires_at, last_used_at, revoked_at } = token;
  const standing = tokenStanding(token, nowS);
  const asked = useAsked();
  const mayNow = mayRevoke && (standing === "in_force" || standing === "ends_soon");
  const holds = expires_at === null ? words.forGood : when(expires_at, language);
  return (
    <>
      <tr data-token={name} data-standing={standing}>
        <th scope="row">{name}</th>
        <td data-label={words.columns.may}>
          {inOrder(scopes)
            .map((scope) => words.scopes[scope])
            .join(words.joins)}
        </td>
        <td data-label={words.columns.channel}>{channel ?? words.allChannels}</td>
        <td data-label={words.columns.expires}>
          {revoked_at === null ? holds : words.revokedAt(when(revoked_at, language))}{" "}
          {standing !== "in_force" && (
            <span className={page.badge} data-tone={standing === "ends_soon" ? "warn" : ""}>
              {words.standing[standing]}
            </span>
          )}
        </td>
        <td data-label={words.columns.used}>
          {last_used_at === null ? <span className={page.dim}>{words.neverUsed}</span> : when(last_used_at, language)}
        </td>
        <td data-label={words.columns.made}>
          {byWhom(created_by, text)}
          <div className={page.dim}>{when(created_at, language)}</div>
        </td>
        {mayRevoke && (
          <td className={table.act}>
            {mayNow && !asked.isOpen && <Begin label={words.revoke} name={words.revokeName(name)} asked={asked} />}
          </td>
        )}
      </tr>
      {mayNow && asked.isOpen && (
        <tr>
          <td colSpan={7}>
            <Revoke name={name} onClose={asked.close} />
          </td>
        </tr>
      )}
    </>
  );
}

function Revoke({ name, onClose }: { name: string; onClose: () => void }) {
  const words = useText().tokens;
  const revoking = useChange(
    () => dataOf(http.DELETE("/api/v1/tokens/{name}", { params: { path: { name } } })),
    TOKENS,
  );
  return (
    <Question
      label={words.revoke}
      name={words.revokeName(name)}
      warning={words.revokeWarning(name)}
      sure={words.revokeName(name)}
      pending={revoking.isPending}
      error={revoking.error}
      onSure={() => revoking.mutate(undefined)}
      onClose={onClose}
    />
  );
}
