/** The Review screen: comments that wait for people, and everything that is done with them. Keyboard first. */
import { useNavigate } from "@tanstack/react-router";
import { useText } from "../i18n";
import { Placeholder, useOneChannel } from "../ui/Channels";
import { Aside } from "./Aside";
import { Bar } from "./Bar";
import { Foot } from "./Foot";
import { Interaction } from "./Interaction";
import { Queue } from "./Queue";
import classes from "./Review.module.css";
import { Strip } from "./Strip";
import { READ } from "./types";
import { DeskContext, useOpenDesk, useReview } from "./useDesk";
import { useHands } from "./useHands";

export function ReviewScreen() {
  const words = useText().review;
  const go = useNavigate();
  const { channel: name, channels } = useOneChannel(READ);
  const show = (wanted: string) => void go({ to: "/review/{-$channel}", params: { channel: wanted } });
  if (name === undefined) return <Placeholder title={words.title}>{words.none}</Placeholder>;
  return <OpenDesk key={name} channel={name} channels={channels} onShow={show} />;
}

interface Props {
  channel: string;
  channels: string[];
  onShow: (channel: string) => void;
}

function OpenDesk({ channel, channels, onShow }: Props) {
  const desk = useOpenDesk(channel);
  return (
    <DeskContext value={desk}>
      <Parts channel={channel} channels={channels} onShow={onShow} />
    </DeskContext>
  );
}

function Parts({ channel, channels, onShow }: Props) {
  const words = useText().review;
  const hands = useHands(channel);
  const lost = useReview((state) => state.link === "lost");
  return (
    <div className={classes.page} data-testid="review" data-lost={lost}>
      <Bar channel={channel} channels={channels} onShow={onShow} />
      <h1 className={classes.unseen}>{words.title}</h1>
      <Strip press={hands.press} rights={hands.rights} />
      <Interaction channel={channel} />
      <div className={classes.list}>
        {lost && (
          <p className={classes.lost} role="alert">
            ⚠ {words.lost}
          </p>
        )}
        <Queue />
      </div>
      <Aside channel={channel} hands={hands} />
      <Foot channel={channel} hands={hands} />
    </div>
  );
}
