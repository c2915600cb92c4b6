import { Button } from "@mantine/core";
import { say, useLanguage, useText } from "../i18n";
import { ProblemLine } from "../ui/Page";
import classes from "./Audit.module.css";
import { whyInChinese } from "./strings";
import { secondOf } from "./times";
import { useProof, useVerify } from "./useAudit";
import type { AuditProof } from "../api/types";

/** Up to when the ledger is proven; loud when it is not whole. */
export function ProofBanner() {
  const words = useText().audit.proof;
  const proof = useProof();
  const verify = useVerify();
  const running = proof.data?.running === true;
  return (
    <section
      className={classes.proof}
      data-state={stateOf(proof.data)}
      aria-label={words.label}
      data-testid="proof"
      data-running={running}
    >
      <div className={classes.verdict}>{proof.data !== undefined && <Verdict proof={proof.data} />}</div>
      <span className={classes.checked} aria-live="polite">
        {running ? words.running : typeof proof.data?.checked_at === "number" && words.checked(secondOf(proof.data.checked_at))}
      </span>
      <Button size="xs" variant="default" onClick={() => verify.mutate()} disabled={running} loading={verify.isPending}>
        {words.now}
      </Button>
      <ProblemLine error={verify.error ?? proof.error} />
    </section>
  );
}

function stateOf(proof: AuditProof | undefined): "bad" | "failed" | "whole" | "none" {
  if (proof === undefined || proof.checked_at === null) return "none";
  if (proof.first_bad !== null) return "bad";
  if (proof.error !== "") return "failed";
  return "whole";
}

function Verdict({ proof }: { proof: AuditProof }) {
  const text = useText().audit;
  const language = useLanguage();
  const words = text.proof;
  const until = proof.verified_until;
  const bad = proof.first_bad;
  if (proof.checked_at === null) return <strong>{words.never}</strong>;
  if (bad !== null) {
    return (
      <div role="alert">
        <strong>{words.bad}</strong>
        <p>
          {words.firstBad(text.faultAt(bad.file, bad.line))}: {say(language, bad.why, whyInChinese(bad.why))}
        </p>
        <p>{until === null ? words.provenNot : words.provenTo(secondOf(until))}</p>
      </div>
    );
  }
  if (proof.error !== "") {
    return (
      <div role="alert">
        <strong>{words.failed}</strong> {say(language, proof.error, proof.error_zh)}
      </div>
    );
  }
  return (
    <>
      <strong>{until === null ? words.empty : words.verified(secondOf(until))}</strong>
      <span>{words.whole(proof.records.toLocaleString("en"), proof.files)}</span>
    </>
  );
}
