/** Words of the multiview, the wall and the phone page. */
import type { Wording } from "../i18n/strings";

export const en = {
  standby: "standby camera",
  standbyAway: "not connected",
  feeds: "Pictures",
  pvw: "PVW: what comes in now",
  pgm: "PGM: what airs",
  channels: "Channels",
  keysHere: "KEYS ACT HERE",
  still: (seconds: string) => `a picture every ${seconds} s`,
  stillUnknown: "keyframes only",
  returnsIn: (seconds: string) => `live in ${seconds} s`,

  wall: "Wall",

  phone: "Phone",
  hold: "Hold to cut",
  holding: "Keep holding …",
  tooShort: "Too short. Hold until the bar is full",
  holdHint: "0.7 s",
  inForce: "CUT IN FORCE",
  again: "hold to cut again",
  noCut: "Your role watches this channel. It cannot cut.",
  toLive: "Open the Live screen",
};

export const zh: Wording<typeof en> = {
  standby: "备用镜头",
  standbyAway: "未接入",
  feeds: "画面",
  pvw: "预监 PVW：现在收到的",
  pgm: "播出 PGM：正在播出的",
  channels: "频道",
  keysHere: "按键作用于此",
  still: (seconds) => `每 ${seconds} 秒一幅画面`,
  stillUnknown: "仅关键帧",
  returnsIn: (seconds) => `${seconds} 秒后恢复播出`,

  wall: "大屏",

  phone: "手机",
  hold: "按住切断",
  holding: "继续按住 …",
  tooShort: "时间太短。请按住直到进度条满",
  holdHint: "0.7 秒",
  inForce: "已切断",
  again: "按住可再次切断",
  noCut: "您的角色在本频道只可观看，不能切断。",
  toLive: "打开“直播”页面",
};
