import { Button, Kbd, NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import type { ProblemError } from "../api/http";
import { useText } from "../i18n";
import { ProblemLine } from "../ui/Page";
import { addTerm } from "./api";
import classes from "./Foot.module.css";
import type { Term, TermAnswer } from "./types";
import { useDesk } from "./useDesk";

const SEVERITIES = ["suspected", "sensitive", "important", "block"] as const;
/** Of the lists that are shipped; a list of one's own may have another. */
const CATEGORIES = ["harassment", "profanity", "sexual", "violence", "gambling", "drugs", "scams", "personal-data", "rumours", "people", "events", "institution", "regulations", "slang"];
const CHECK_AFTER_MS = 250;
const MOST = 64;

interface Props {
  channel: string;
  /** What was selected. */
  first: string;
  category: string;
  onClose: () => void;
}

/** A term for the channel's own list. What lint says of it stands there before it is saved. */
export function TermForm({ channel, first, category, onClose }: Props) {
  const words = useText().review;
  const desk = useDesk();
  const [term, set] = useState<Term>({ term: first, severity: "sensitive", category, expires: "" });
  const field = useRef<HTMLInputElement>(null);
  const categories = useId();
  const findings = useFindings(channel, term);
  const save = useMutation<TermAnswer, ProblemError>({
    mutationFn: () => addTerm(channel, { ...term, check_only: false }),
    onSuccess: ({ added }) => {
      if (!added) return;
      desk.say({ term: term.term }, "good");
      onClose();
    },
  });
  useEffect(() => field.current?.select(), []);
  const change = (part: Partial<Term>) => set({ ...term, ...part });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const mustFix = findings.data?.findings.some(({ level }) => level === "fix") === true;
  return (
    <form className={classes.term} onSubmit={submit} aria-label={words.term.title} data-testid="term">
      <b className={classes.title}>{words.term.title}</b>
      <TextInput
        size="xs"
        ref={field}
        label={words.term.term}
        value={term.term}
        maxLength={MOST}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => change({ term: event.currentTarget.value })}
      />
      <NativeSelect
        size="xs"
        label={words.term.severity}
        value={term.severity}
        data={SEVERITIES.map((value) => ({ value, label: words.severities[value] }))}
        onChange={(event) => change({ severity: event.currentTarget.value })}
      />
      <TextInput
        size="xs"
        label={words.term.category}
        value={term.category}
        list={categories}
        maxLength={MOST}
        onChange={(event) => change({ category: event.currentTarget.value })}
      />
      <datalist id={categories}>
        {CATEGORIES.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </datalist>
      <TextInput
        size="xs"
        type="date"
        label={words.term.expires}
        title={words.term.noExpiry}
        value={term.expires ?? ""}
        onChange={(event) => change({ expires: event.currentTarget.value })}
      />
      <Button size="xs" type="submit" loading={save.isPending} disabled={term.term.trim() === "" || mustFix}>
        {words.term.save}
      </Button>
      <Button size="xs" variant="default" onClick={onClose} rightSection={<Kbd size="xs">Esc</Kbd>}>
        {words.cancel}
      </Button>
      <Findings asked={findings} />
      <ProblemLine error={save.error} />
    </form>
  );
}

/** What lint says of the term as it stands, asked a moment after the last change. */
function useFindings(channel: string, term: Term) {
  const [still] = useDebouncedValue(term, CHECK_AFTER_MS);
  return useQuery<TermAnswer, ProblemError>({
    queryKey: ["lint", channel, still],
    queryFn: () => addTerm(channel, { ...still, check_only: true }),
    enabled: still.term.trim() !== "",
    retry: false,
    gcTime: 0,
  });
}

function Findings({ asked }: { asked: { data: TermAnswer | undefined; isFetching: boolean; error: ProblemError | null } }) {
  const words = useText().review.term;
  return (
    <output className={classes.findings} data-testid="findings">
      {asked.isFetching && words.checking}
      <ProblemLine error={asked.error} />
      {!asked.isFetching && asked.data?.findings.length === 0 && `✓ ${words.fine}`}
      {asked.data?.findings.map(({ level, rule, reason, values }) => (
        <span key={`${rule}/${reason}`} data-level={level}>
          {level === "fix" ? `✗ ${words.fix}` : `△ ${words.note}`}: {words.findings[rule]?.(values) ?? reason}
        </span>
      ))}
    </output>
  );
}
