/** Words of the Live screen about people: who may what, who asks, who is there. */
import type { Wording } from "../i18n/strings";

export const en = {
  onlyWatch: "Your role watches this channel. It has no keys here.",

  asks: (who: string, why: string) => `${who} asks to restore: ${why}. A second person has to confirm`,
  asksFor: (who: string, cmd: string, why: string) => `${who} asks for: ${cmd}: ${why}. A second person has to confirm`,
  youAsked: (why: string) => `You asked to restore: ${why}. Waiting for a second person`,
  youAskedFor: (cmd: string, why: string) => `You asked for: ${cmd}: ${why}. Waiting for a second person`,
  within: (seconds: number) => `${seconds} s`,
  waits: (cmd: string) => `${cmd}: waits for a second person`,
  confirm: "Confirm restore",
  confirmOf: (cmd: string) => `Confirm: ${cmd}`,
  confirmHint: (who: string) => `as ${who} asks`,
  waitsHint: "awaits a second person",
  byTwo: "takes two people",

  cutBy: (who: string) => `cut by ${who}`,
  ago: (time: string) => `${time} ago`,
  because: (what: string, why: string) => `${what}: ${why}`,

  others: "Also on this channel",
  away: (who: string) => `${who} (idle)`,

  again: "Sign in again",
  wasHere: (who: string, minutes: number) => `${who} was signed in and has been idle for ${minutes > 0 ? `${minutes} min` : "too long"}.`,
  idleStill: "You still see, and can cut. Sign in for the other keys.",
};

export const zh: Wording<typeof en> = {
  onlyWatch: "您的角色在本频道只可观看，没有按键。",

  asks: (who, why) => `${who} 请求恢复：${why}。须另一人确认`,
  asksFor: (who, cmd, why) => `${who} 请求${cmd}：${why}。须另一人确认`,
  youAsked: (why) => `您已请求恢复：${why}。等待另一人确认`,
  youAskedFor: (cmd, why) => `您已请求${cmd}：${why}。等待另一人确认`,
  within: (seconds) => `${seconds} 秒`,
  waits: (cmd) => `${cmd}：等待另一人确认`,
  confirm: "确认恢复",
  confirmOf: (cmd) => `确认${cmd}`,
  confirmHint: (who) => `${who} 请求`,
  waitsHint: "等待另一人确认",
  byTwo: "须两人确认",

  cutBy: (who) => `${who} 切断`,
  ago: (time) => `${time} 前`,
  because: (what, why) => `${what}：${why}`,

  others: "同在本频道",
  away: (who) => `${who}（空闲）`,

  again: "重新登录",
  wasHere: (who, minutes) => `${who} 已登录，但${minutes > 0 ? `已 ${minutes} 分钟` : "长时间"}未操作。`,
  idleStill: "仍可观看和切断；其他按键须重新登录。",
};
