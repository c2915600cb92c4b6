import { TextInput, type TextInputProps, UnstyledButton } from "@mantine/core";
import { type Ref, useState } from "react";
import { Icon } from "../frame/Icon";
import { useText } from "../i18n";
import classes from "./SecretField.module.css";

interface Props extends TextInputProps {
  ref?: Ref<HTMLInputElement>;
}

/** A field for a password, with a button that shows what is typed: a long one is hard to type blindly. */
export function SecretField(props: Props) {
  const text = useText();
  const [shown, show] = useState(false);
  return (
    <TextInput
      {...props}
      type={shown ? "text" : "password"}
      spellCheck={false}
      autoCapitalize="none"
      rightSectionPointerEvents="all"
      rightSection={
        <UnstyledButton
          className={classes.eye}
          aria-label={text.shared.showTyped}
          title={text.shared.showTyped}
          aria-pressed={shown}
          onClick={() => show(!shown)}
        >
          <Icon>
            <path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z" />
            {!shown && <path d="M4 20 20 4" />}
          </Icon>
        </UnstyledButton>
      }
    />
  );
}
