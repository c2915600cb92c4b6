/** The light build of hls.js (no subtitles, no DRM) comes without types of its own; those of the full one fit. */
declare module "hls.js/light" {
  export { default } from "hls.js";
}
