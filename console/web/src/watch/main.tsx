import "./watch.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { apiPath, channelOf } from "../feed/address";
import { FeedStore } from "../feed/store";
import { Watch } from "./Watch";

const root = document.getElementById("root");
if (root === null) throw new Error("watch.html has no #root");
const channel = channelOf(window.location.pathname);
createRoot(root).render(
  <StrictMode>
    <Watch channel={channel} feed={new FeedStore(apiPath(channel, "published"))} />
  </StrictMode>,
);
