import { SegmentedControl } from "@mantine/core";
import { type Language, languages, setLanguage, useLanguage, useText } from "../i18n";

const LANGUAGES = (Object.keys(languages) as Language[]).map((value) => ({
  value,
  label: languages[value].languageName,
}));

export function LanguageChoice({ className }: { className?: string | undefined }) {
  const text = useText();
  return (
    <SegmentedControl
      className={className ?? ""}
      size="xs"
      aria-label={text.header.language}
      data={LANGUAGES}
      value={useLanguage()}
      onChange={(value) => setLanguage(value as Language)}
    />
  );
}
