/** The overlay for an OBS browser source: published comments over nothing. Its address says how it looks. */
import "./overlay.css";
import { apiPath, channelOf } from "../feed/address";
import { FeedStore } from "../feed/store";
import type { Comment } from "../feed/wire";
import { type Look, readLook, type Refused } from "./look";
import { openView } from "./views";

const { look, refused } = readLook(window.location.search);
const stage = document.createElement("main");
document.body.append(stage);
dress(look);

const feed = new FeedStore(apiPath(channelOf(window.location.pathname), "published"));
const view = openView(stage, look, () => feed.read().comments);

/** Only bullet comments cross the picture, and only while the channel has opened them. The other styles show all. */
const isOpen = (): boolean => look.style !== "bullet" || feed.read().interaction?.bullets === true;

feed.follow({
  fresh: (comments) => {
    if (!isOpen()) return;
    for (const comment of comments) if (look.style !== "bullet" || comment.bullet) view.add(comment);
  },
  gone: (ids) => {
    for (const id of ids) view.remove(id);
  },
});
feed.watch(() => {
  document.body.dataset["link"] = feed.read().link;
  if (!look.preview && !isOpen()) view.clear();
});
if (look.preview) preview(refused);

function dress({ style, color, outline, size, font, rows, preview: samples }: Look): void {
  const { dataset, style: css } = document.body;
  dataset["style"] = style;
  dataset["preview"] = String(samples);
  css.setProperty("--color", color);
  css.setProperty("--outline-color", outline);
  css.setProperty("--size", `${size}px`);
  css.setProperty("--rows", String(rows));
  if (font !== "") css.setProperty("--font", `"${font}"`);
}

/** Shows samples, so that the look can be judged before anybody has written, and says what is wrong with the address. */
function preview(wrong: readonly Refused[]): void {
  const samples = ["母校加油！", "The choir is wonderful.", "请问录像在哪里可以回看？", "新生报到 🎉", "Hello from the class of 2008"];
  let count = 0;
  const show = (): void => {
    count += 1;
    const text = samples[count % samples.length] ?? "";
    const comment: Comment = { id: -count, author: count % 2 === 0 ? "校友 2008" : "Ming", text, publishedAt: 0, bullet: true };
    view.add(comment);
  };
  window.setInterval(show, 1_500);
  show();
  for (const { name, allowed } of wrong) {
    const line = document.createElement("p");
    line.className = "wrong";
    line.textContent = `${name}: ${allowed} — 该参数无效，已用默认值 / this value is not taken`;
    document.body.append(line);
  }
}
